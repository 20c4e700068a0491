"""Finds plugins and their components. A broken plugin is recorded as broken, and does not affect the others."""

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
