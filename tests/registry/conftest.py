"""Plugins that a test installs for itself."""

from support.plugins import plugins as plugins
