"""A plugin package to start from: a plugin's own package under another name, tests and all."""

from ssltoolbox.scaffold.new import NewPlugin, new_plugin
from ssltoolbox.scaffold.templates import TEMPLATES

__all__ = ["TEMPLATES", "NewPlugin", "new_plugin"]
