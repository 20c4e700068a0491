"""Makes a new plugin package: a copy of an existing one, with its tests, under another name."""

from ssltoolbox.scaffold.examples import Example, example_of, examples
from ssltoolbox.scaffold.new import NewPlugin, new_plugin

__all__ = ["Example", "NewPlugin", "example_of", "examples", "new_plugin"]
