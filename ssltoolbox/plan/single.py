"""A single component with its options from the command line, without a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ssltoolbox.api import Kind, Options
from ssltoolbox.api.named import named_datasets
from ssltoolbox.plan.choose import with_datasets
from ssltoolbox.plan.plan import Chosen
from ssltoolbox.recipe import Located, Place, RecipeError, RecipeProblem, component_at, validate
from ssltoolbox.recipe.overrides import apply_overrides
from ssltoolbox.recipe.place import SET
from ssltoolbox.recipe.source import parse
from ssltoolbox.recipe.values import located
from ssltoolbox.registry import Provided, Registry, discover


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
    registry = _registry(files)
    provided = registry.get(kind, name)
    node, problems = apply_overrides(Located({}, Place(SET)), settings)
    return _chosen(provided, node, problems, SET, registry)


def choose_typed(kind: Kind, flag: str, text: str, files: Sequence[Path] = ()) -> Chosen:
    """The component that a flag gives as in a recipe: `--data '{name: frames, root: faces}'`.

    Args:
        kind: of the component.
        flag: what mistakes in the text are placed in.
        text: YAML; a name alone stands for `{name: …}`.
        files: as for `choose_one`.

    Raises:
        PluginError: where there is no such component, or it can't be used.
        RecipeError: with all that is wrong with the text.
    """
    node, problems = parse(text, flag)
    component = None if node is None else component_at(kind, None, node)
    if component is None:
        place = node.place if node else Place(flag)
        missing = RecipeProblem(place, f"a {kind.singular} has a name", "write '{name: …, option: value}'")
        raise RecipeError(problems or [missing], flag)
    registry = _registry(files)
    provided = registry.get(kind, component.name)
    return _chosen(provided, component.options, problems, flag, registry)


def find_datasets(options: Options, owner: Provided, files: Sequence[Path] = ()) -> Options:
    """Options of Python values with the datasets that they name looked up.

    Raises:
        RecipeError: with all that is wrong with these datasets.
    """
    # Most options name no dataset, and then no other plugin is imported.
    if not any(named_datasets(options)):
        return options
    return _with_datasets(options, located(options), owner, _registry(files), owner.title)[0]


def _registry(files: Sequence[Path]) -> Registry:
    return discover(path.absolute() for path in files)


def _chosen(
    provided: Provided, node: Located, problems: Sequence[RecipeProblem], flag: str, registry: Registry
) -> Chosen:
    model = provided.descriptor.options
    with provided.blamed_for(model.__name__):
        options, mistakes = validate(model, node, where=provided.title)
    if options is None or problems:
        raise RecipeError([*problems, *mistakes], flag)
    options, wrapped = _with_datasets(options, node, provided, registry, flag)
    return Chosen(provided.descriptor.name, provided, options, wrapped=wrapped)


def _with_datasets(
    options: Options, node: Located, owner: Provided, registry: Registry, where: str
) -> tuple[Options, tuple[Chosen, ...]]:
    found, wrapped, wrong = with_datasets(options, node, owner, registry)
    if found is None:
        raise RecipeError(wrong.problems, where)
    return found, wrapped
