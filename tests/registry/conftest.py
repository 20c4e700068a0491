"""Plugins that a test installs for itself."""

from helpers.plugins import plugins as plugins
