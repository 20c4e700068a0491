"""Discovers plugins: entry points of the group `ssltoolbox`, and files that a recipe or a flag names."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from functools import cache, partial
from importlib.metadata import Distribution, entry_points
from pathlib import Path
from typing import Any

from ssltoolbox.api.errors import reason_of
from ssltoolbox.registry.contract import GROUP, RefusedError, components
from ssltoolbox.registry.files import load_file
from ssltoolbox.registry.registry import DISABLE, BrokenPlugin, Origin, Provided, Registry

Source = tuple[Origin, Callable[[], Any]]
"""A plugin, and what imports its module."""


def discover(files: Iterable[Path] = ()) -> Registry:
    """The registry of installed plugins and the named files.

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
    package_of = cache(_package)  # each look parses all of a distribution's metadata, its README included
    found: dict[tuple[str, str], Source] = {}
    for entry_point in entry_points(group=GROUP):
        origin = Origin(entry_point.name, *package_of(entry_point.dist), entry_point.value)
        found.setdefault((entry_point.name, entry_point.value), (origin, entry_point.load))
    return [found[key] for key in sorted(found)]


def _package(distribution: Distribution | None) -> tuple[str, str]:
    """Its name and version. An interrupted installation may have left a distribution without them."""
    name = (distribution and distribution.name) or "a nameless distribution"
    version = (distribution and distribution.version) or "without a version"
    return name, version


def _from_files(files: Iterable[Path]) -> list[Source]:
    return [
        (Origin(path.stem, distribution="", version="", module=str(path)), partial(load_file, path))
        for path in dict.fromkeys(files)
    ]
