"""Plugins that are wrong in one way each, and plugins that a test installs."""

from support.contract import broken as broken
from support.plugins import plugins as plugins
