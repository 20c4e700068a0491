"""Goes through the entry points of the group `ssltoolbox`, and the files that a recipe or a flag names."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from ssltoolbox.api import API_VERSION, Descriptor, Kind, MethodDescriptor, Options
from ssltoolbox.api.hooks import HookSpecs
from ssltoolbox.api.options import DatasetOptions, NegativeSamplerOptions, ViewOptions
from ssltoolbox.api.suggest import suggest
from ssltoolbox.registry.registry import BrokenPlugin, Origin, Provided, Registry

GROUP = "ssltoolbox"
DISABLE = "SSLTOOLBOX_DISABLE"
HOOKS = {f"{GROUP}_{kind}": kind for kind in Kind}
OPTIONS_BASE: dict[Kind, type[Options]] = {
    Kind.DATASETS: DatasetOptions,
    Kind.VIEWS: ViewOptions,
    Kind.NEGATIVE_SAMPLERS: NegativeSamplerOptions,
}


class _Refused(Exception):
    """A plugin that breaks the contract of its hook."""


def discover(files: Iterable[Path] = ()) -> Registry:
    """Everything that installed plugins and the named files provide.

    Plugins named in the environment variable SSLTOOLBOX_DISABLE (separated by commas) are not even imported.
    """
    disabled = {name.strip() for name in os.environ.get(DISABLE, "").split(",")}
    provided: list[Provided] = []
    broken: list[BrokenPlugin] = []
    sources = [(origin, entry_point.load) for origin, entry_point in _entry_points()]
    sources += [(_file_origin(path), lambda path=path: _load_file(path)) for path in files]
    for origin, load in sources:
        if origin.plugin in disabled:
            continue
        # A plugin may raise anything at import, SystemExit included; none may take the others down.
        try:
            provided += _components(origin, load())
        except _Refused as refusal:
            broken.append(BrokenPlugin(origin, str(refusal)))
        except (Exception, SystemExit) as error:
            broken.append(BrokenPlugin(origin, f"{type(error).__name__}: {error}", error))
    return Registry(provided, broken)


def _entry_points() -> list[tuple[Origin, EntryPoint]]:
    """Entry points by (name, value), once each: a folder installed on its own as well is the same plugin."""
    found: dict[tuple[str, str], tuple[Origin, EntryPoint]] = {}
    for distribution in distributions():
        for entry_point in distribution.entry_points:
            if entry_point.group == GROUP:
                origin = Origin(
                    entry_point.name, distribution.name, distribution.version, entry_point.value
                )
                found.setdefault((entry_point.name, entry_point.value), (origin, entry_point))
    return [found[key] for key in sorted(found)]


def _file_origin(path: Path) -> Origin:
    return Origin(plugin=path.stem, distribution="", version="", module=str(path))


def _load_file(path: Path) -> ModuleType:
    """Runs a plugin file as a module. Its name holds a digest of its path, so that two files never collide."""
    name = f"ssltoolbox_file_{path.stem}_{blake2b(bytes(path), digest_size=4).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise _Refused(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _components(origin: Origin, module: Any) -> list[Provided]:
    """Calls each hook of a plugin on its own, and checks what it yields."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(HookSpecs)
    manager.register(module, name=origin.plugin)
    _check_hook_names(manager, module)
    return [
        Provided(kind, _checked(kind, descriptor), origin)
        for hook, kind in HOOKS.items()
        for impl in getattr(manager.hook, hook).get_hookimpls()
        for descriptor in impl.function()
    ]


def _check_hook_names(manager: pluggy.PluginManager, module: Any) -> None:
    hooks = {name for name in dir(module) if manager.parse_hookimpl_opts(module, name) is not None}
    if not hooks:
        raise _Refused(f"no function is marked with hookimpl; the hooks are {', '.join(HOOKS)}")
    for unknown in sorted(hooks - set(HOOKS)):
        near = suggest(unknown, HOOKS)
        raise _Refused(f"unknown hook {unknown!r}" + (f"; did you mean {near!r}?" if near else ""))


def _checked(kind: Kind, descriptor: Any) -> Descriptor:
    wanted = MethodDescriptor if kind is Kind.METHODS else Descriptor
    if not isinstance(descriptor, wanted):
        raise _Refused(f"{GROUP}_{kind} must yield {wanted.__name__}, not {type(descriptor).__name__}")
    for complaint in _complaints(kind, descriptor):
        raise _Refused(f"{kind.singular} {descriptor.name!r}: {complaint}")
    return descriptor


def _complaints(kind: Kind, descriptor: Descriptor) -> Iterator[str]:
    if descriptor.api != API_VERSION:
        yield f"written for API {descriptor.api}, this is API {API_VERSION}; see CHANGELOG.md, 'Plugin API'"
    if not descriptor.name.isidentifier():
        yield "a name has letters, digits and underscores only"
    base = OPTIONS_BASE.get(kind, Options)
    if not (isinstance(descriptor.options, type) and issubclass(descriptor.options, base)):
        yield f"options must be a subclass of ssltoolbox.api.{base.__name__}"
    module, colon, attribute = descriptor.target.partition(":")
    if not (module and colon and attribute):
        yield f"target {descriptor.target!r} must read 'package.module:Class'"
