"""Plugins that are wrong in one way each, and plugins that a test installs."""

from helpers.contract import broken as broken
from helpers.plugins import plugins as plugins
