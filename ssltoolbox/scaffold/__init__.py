"""A plugin package to start from: a plugin's own package under another name, tests and all."""

from ssltoolbox.scaffold.examples import Example, example_of, examples
from ssltoolbox.scaffold.new import NewPlugin, new_plugin

__all__ = ["Example", "NewPlugin", "example_of", "examples", "new_plugin"]
