"""What the plugins provide, and the way from a name in a recipe to the object that does the work."""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ssltoolbox.api import Descriptor, Kind, UserError
from ssltoolbox.api.suggest import suggest


class PluginError(UserError):
    """A component can't be used: it is unknown, broken, or provided twice."""


@dataclass(frozen=True)
class Origin:
    """Where a plugin came from.

    Attributes:
        plugin: the entry point's name, or the file's.
        distribution: the package that brought it; empty for a file.
        version: of that package.
        module: the entry point's value, or the file's path.
    """

    plugin: str
    distribution: str
    version: str
    module: str

    def __str__(self) -> str:
        package = f"{self.distribution} {self.version}" if self.distribution else self.module
        return f"plugin {self.plugin!r} of {package}" if self.distribution else f"plugin file {package}"


@dataclass(frozen=True)
class Provided:
    """A component and the plugin it came with."""

    kind: Kind
    descriptor: Descriptor
    origin: Origin

    def load(self) -> Any:
        """The target, imported now.

        Raises:
            PluginError: when the import fails; the original exception is its cause.
        """
        module_name, _, attribute = self.descriptor.target.partition(":")
        try:
            return getattr(importlib.import_module(module_name), attribute)
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{self.kind.singular} {self.descriptor.name!r} ({self.origin}): "
                f"can't load {self.descriptor.target!r}: {type(error).__name__}: {error}"
            ) from error


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that could not be taken in.

    Attributes:
        origin: where it came from.
        reason: one line.
        error: the exception, with its traceback; None where a check of ours refused it.
    """

    origin: Origin
    reason: str
    error: BaseException | None = None


class Registry:
    """All components by kind and name."""

    def __init__(self, provided: Iterable[Provided], broken: Iterable[BrokenPlugin] = ()) -> None:
        self.broken = tuple(broken)
        self._by_kind: dict[Kind, dict[str, list[Provided]]] = defaultdict(lambda: defaultdict(list))
        for item in provided:
            self._by_kind[item.kind][item.descriptor.name].append(item)

    def names(self, kind: Kind) -> tuple[str, ...]:
        """The sorted names of a kind's components."""
        return tuple(sorted(self._by_kind[kind]))

    def all(self) -> tuple[Provided, ...]:
        """Every component, by kind, then by name; a name provided twice comes twice."""
        return tuple(
            item for kind in Kind for name in self.names(kind) for item in self._by_kind[kind][name]
        )

    def find(self, name: str) -> Mapping[Kind, Provided]:
        """The components of that name, of whatever kind."""
        return {item.kind: item for item in self.all() if item.descriptor.name == name}

    def get(self, kind: Kind, name: str) -> Provided:
        """The component of that kind and name.

        Raises:
            PluginError: when there is none, or more than one.
        """
        found = self._by_kind[kind].get(name, [])
        if len(found) == 1:
            return found[0]
        if found:
            origins = " and ".join(str(item.origin) for item in found)
            raise PluginError(f"{kind.singular} {name!r} is provided twice: by {origins}; disable one of them")
        raise PluginError(f"unknown {kind.singular} {name!r}", hint=self._advice(kind, name))

    def _advice(self, kind: Kind, name: str) -> str:
        if near := suggest(name, self.names(kind)):
            return f"did you mean {near!r}?"
        for other in self.find(name):
            return f"{name!r} is a {other.singular}"
        for plugin in self.broken:
            if name in (plugin.origin.plugin, plugin.origin.plugin.replace("-", "_")):
                return f"{plugin.origin} is broken: {plugin.reason}"
        known = ", ".join(self.names(kind)) or "none is installed"
        return f"known: {known}"
