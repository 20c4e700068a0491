"""Finds plugins and keeps what they provide. A broken plugin is kept as broken; it never stops the others."""

from ssltoolbox.registry.discovery import discover
from ssltoolbox.registry.registry import BrokenPlugin, Origin, PluginError, Provided, Registry

__all__ = ["BrokenPlugin", "Origin", "PluginError", "Provided", "Registry", "discover"]
