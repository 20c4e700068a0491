"""Finds the components that a target of `check_plugin` names: by a name, a file, a module or a class."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from ssltoolbox.api import Descriptor, UserError
from ssltoolbox.api.errors import reason_of
from ssltoolbox.api.suggest import did_you_mean
from ssltoolbox.registry import Origin, Provided, Registry, discover
from ssltoolbox.registry.contract import RefusedError, components, hooks_of
from ssltoolbox.registry.files import module_name

Target = str | Path | ModuleType | type[Any] | Descriptor
"""What can be checked: see `check_plugin`."""


class BrokenPluginError(Exception):
    """The plugin could not be loaded; the message is the reason, in one line."""


def found(target: Target, files: Sequence[Path] = ()) -> tuple[Provided, ...]:
    """The components that a target names.

    Args:
        target: see `check_plugin`.
        files: plugin files whose components and plugins may be meant by their name, beside the installed ones.

    Raises:
        UserError: for an unknown target.
        BrokenPluginError: for a plugin that could not be loaded.
    """
    if isinstance(target, ModuleType):
        return _of_module(target)
    if isinstance(target, Descriptor):
        return _of_path(target.target)
    if isinstance(target, type):
        return _of_path(f"{target.__module__}:{target.__qualname__}")
    if isinstance(target, Path) or target.endswith(".py"):
        return _of_file(Path(target).absolute())
    return _of_path(target) if ":" in target else _of_name(target, files)


def idle_hooks(items: Sequence[Provided]) -> Iterator[tuple[str, str]]:
    """Module and hook of each hook that yields nothing, in the modules that the components come from."""
    for module in dict.fromkeys(item.origin.module for item in items):
        plugin = sys.modules[module_name(Path(module)) if module.endswith(".py") else module]
        # Not the hooks of `items`: a target may mean one component of several.
        used = {kind.hook for kind, _ in components(plugin)}
        yield from ((module, hook) for hook in sorted(hooks_of(plugin) - used))


def is_importable(module: str) -> bool:
    """True if a fresh interpreter could import it; a plugin file of a recipe only has the name of a module."""
    return PathFinder.find_spec(module.partition(".")[0]) is not None


def _of_file(path: Path) -> tuple[Provided, ...]:
    if not path.is_file():
        raise UserError(f"there is no file {path}")
    if (path.parent / "__init__.py").is_file():
        return _of_module(_imported_from(path))
    return _of_plugin(discover([path]), Origin(path.stem, "", "", str(path)))


def _imported_from(path: Path) -> ModuleType:
    """A module of a package under its full name, installed or not, so that its own imports work."""
    folder, names = path.parent, [] if path.stem == "__init__" else [path.stem]
    while (folder / "__init__.py").is_file():
        folder, names = folder.parent, [folder.name, *names]
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return _imported(".".join(names))


def _of_name(name: str, files: Sequence[Path]) -> tuple[Provided, ...]:
    """The components of that name: a component, a plugin's, or a module's."""
    registry = discover(files)
    if items := registry.find(name):
        return items
    if origins := registry.plugins(name):
        return tuple(item for origin in origins for item in _of_plugin(registry, origin))
    if not is_importable(name):
        hint = did_you_mean(name, registry.all_names())
        advice = "see: ssltoolbox plugins list; or name a Python file"
        raise UserError(f"no plugin, component, module or file is called {name!r}", hint or advice)
    return _of_module(_imported(name))


def _of_plugin(registry: Registry, origin: Origin) -> tuple[Provided, ...]:
    if broken := registry.broken_plugin(origin):
        raise BrokenPluginError(broken.reason)
    return registry.provided_by(origin)


def _of_path(path: str) -> tuple[Provided, ...]:
    """The component with that target: installed, or yielded by a hook of its module or of a parent package."""
    items = [item for item in discover().all() if item.descriptor.target == path]
    module = path.partition(":")[0]
    while module and not items:
        items = [item for item in _of_hooks(_imported(module)) if item.descriptor.target == path]
        module = module.rpartition(".")[0]
    if not items:
        raise UserError(
            f"no hook yields a component with the target {path!r}",
            "name the module of its hooks, or its file",
        )
    return tuple(items)


def _of_hooks(module: ModuleType) -> tuple[Provided, ...]:
    """The components of a module; none if it has no hooks."""
    try:
        return _of_module(module)
    except BrokenPluginError as error:
        if isinstance(error.__cause__, RefusedError):
            return ()
        raise


def _of_module(module: ModuleType) -> tuple[Provided, ...]:
    origin = Origin(module.__name__, module.__name__, "", module.__name__)
    try:
        return tuple(Provided(kind, card, origin) for kind, card in components(module))
    except RefusedError as error:
        raise BrokenPluginError(str(error)) from error
    except (Exception, SystemExit) as error:
        raise BrokenPluginError(reason_of(error)) from error


def _imported(module: str) -> ModuleType:
    try:
        return import_module(module)
    except (Exception, SystemExit) as error:
        raise BrokenPluginError(reason_of(error)) from error
