"""Finds plugins and keeps what they provide. A broken plugin is kept as broken; it never stops the others."""

from ssltoolbox.registry.discovery import discover
from ssltoolbox.registry.registry import (
    DISABLE,
    LEAVE_ONE,
    BrokenPlugin,
    Origin,
    PluginError,
    Provided,
    Registry,
)

__all__ = [
    "DISABLE",
    "LEAVE_ONE",
    "BrokenPlugin",
    "Origin",
    "PluginError",
    "Provided",
    "Registry",
    "discover",
]
