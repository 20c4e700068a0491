"""A plugin package to start from: a plugin's own package under another name, tests and all."""

from ssltoolbox.scaffold.new import NewPlugin, new_plugin

__all__ = ["NewPlugin", "new_plugin"]
