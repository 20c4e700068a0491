"""One component, named on the command line with its options, without a recipe around it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ssltoolbox.api import Kind
from ssltoolbox.plan.plan import Chosen
from ssltoolbox.recipe import Located, Place, RecipeError, validate
from ssltoolbox.recipe.overrides import apply_overrides
from ssltoolbox.recipe.place import SET
from ssltoolbox.registry import discover


def choose_one(kind: Kind, name: str, settings: Sequence[str] = (), files: Sequence[Path] = ()) -> Chosen:
    """The component of that kind and name.

    Args:
        kind: of the component.
        name: its name.
        settings: its options as for `--set`, such as `"upsample=1"`.
        files: plugin files to look in beside the installed plugins.

    Raises:
        PluginError: where there is none, or it can't be used.
        RecipeError: with all that is wrong with the options.
    """
    provided = discover(path.absolute() for path in files).get(kind, name)
    node, problems = apply_overrides(Located({}, Place(SET)), settings)
    model = provided.descriptor.options
    with provided.blamed_for(model.__name__):
        options, mistakes = validate(model, node, where=provided.title)
    if options is None or problems:
        raise RecipeError([*problems, *mistakes], SET)
    return Chosen(name, provided, options)
