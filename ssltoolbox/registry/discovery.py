"""Goes through the entry points of the group `ssltoolbox`, and the files that a recipe or a flag names."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from functools import partial
from hashlib import blake2b
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from ssltoolbox.registry.contract import GROUP, RefusedError, components
from ssltoolbox.registry.registry import DISABLE, BrokenPlugin, Origin, Provided, Registry, reason_of

Source = tuple[Origin, Callable[[], Any]]
"""A plugin, and what imports its module."""


def discover(files: Iterable[Path] = ()) -> Registry:
    """Everything that installed plugins and the named files provide.

    Plugins that the environment variable SSLTOOLBOX_DISABLE names (by their own name or their distribution's,
    separated by commas) are not even imported.
    """
    disabled_names = {name.strip() for name in os.environ.get(DISABLE, "").split(",")} - {""}
    provided: list[Provided] = []
    broken: list[BrokenPlugin] = []
    disabled: list[Origin] = []
    for origin, load in [*_installed(), *_from_files(files)]:
        if disabled_names & {origin.plugin, origin.distribution}:
            disabled.append(origin)
            continue
        # A plugin may raise anything at import, SystemExit included; none may take the others down.
        # What it prints there must not get between the lines of `--json`.
        try:
            with redirect_stdout(sys.stderr):
                provided += [Provided(kind, card, origin) for kind, card in components(load())]
        except RefusedError as refusal:
            broken.append(BrokenPlugin(origin, str(refusal)))
        except (Exception, SystemExit) as error:
            broken.append(BrokenPlugin(origin, reason_of(error), error))
    return Registry(provided, broken, disabled)


def _installed() -> list[Source]:
    """Entry points by (name, value), once each: a folder installed on its own as well is the same plugin."""
    found: dict[tuple[str, str], Source] = {}
    for entry_point in entry_points(group=GROUP):
        found.setdefault((entry_point.name, entry_point.value), (_origin(entry_point), entry_point.load))
    return [found[key] for key in sorted(found)]


def _origin(entry_point: EntryPoint) -> Origin:
    # An interrupted installation may have left a distribution without its name and version.
    distribution = entry_point.dist
    name = (distribution and distribution.name) or "a nameless distribution"
    version = (distribution and distribution.version) or "without a version"
    return Origin(entry_point.name, name, version, entry_point.value)


def _from_files(files: Iterable[Path]) -> list[Source]:
    return [
        (Origin(path.stem, distribution="", version="", module=str(path)), partial(_load_file, path))
        for path in dict.fromkeys(files)
    ]


def _load_file(path: Path) -> ModuleType:
    """Runs a plugin file as a module, named with a digest of its path, so that two files never collide."""
    name = f"ssltoolbox_file_{path.stem}_{blake2b(bytes(path), digest_size=4).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RefusedError(f"{path.name} is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
