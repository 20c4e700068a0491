"""The registry: components of all plugins, by kind and name."""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal

from ssltoolbox.api import KINDS, Descriptor, Kind, SslToolboxError, UserError
from ssltoolbox.api.errors import reason_of
from ssltoolbox.api.suggest import did_you_mean

DISABLE = "SSLTOOLBOX_DISABLE"
LEAVE_ONE = f"disable one of them with {DISABLE}, or remove it"


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
        if not self.distribution:
            return f"plugin file {self.module}"
        return f"plugin {self.plugin!r} of {self.distribution} {self.version}"

    def is_called(self, name: str) -> bool:
        """True if that is the plugin's name; `-` and `_` are the same here."""
        return name.replace("-", "_") == self.plugin.replace("-", "_")


@dataclass(frozen=True)
class Provided:
    """A component and the plugin it came with."""

    kind: Kind
    descriptor: Descriptor
    origin: Origin

    @property
    def title(self) -> str:
        """Such as "method 'simclr'"."""
        return f"{self.kind.singular} {self.descriptor.name!r}"

    @contextmanager
    def blamed_for(self, what: str) -> Iterator[None]:
        """Converts unexpected errors of the plugin's code to errors that name the plugin.

        Raises:
            PluginError: with the original exception as its cause.
        """
        try:
            yield
        except SslToolboxError:
            raise
        except Exception as error:
            raise PluginError(f"{self.title} ({self.origin}): {what} raised {reason_of(error)}") from error

    def load(self) -> Any:
        """The target, imported now.

        Raises:
            PluginError: when it can't be imported or called; an original exception is its cause.
        """
        module_name, _, attribute = self.descriptor.target.partition(":")
        what = f"{self.title} ({self.origin}): can't load {self.descriptor.target!r}"
        try:
            target = getattr(importlib.import_module(module_name), attribute)
        except (Exception, SystemExit) as error:
            in_a_file = isinstance(error, ModuleNotFoundError) and not self.origin.distribution
            hint = 'for a class in the file itself, write target=f"{__name__}:Class"' if in_a_file else ""
            raise PluginError(f"{what}: {reason_of(error)}", hint) from error
        if not callable(target):
            raise PluginError(f"{what}: it can't be called")
        return target


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that could not be loaded.

    Attributes:
        origin: where it came from.
        reason: one line.
        error: the exception, with its traceback; None where a check of ours refused it.
    """

    origin: Origin
    reason: str
    error: BaseException | None = None


class Registry:
    """All components by kind and name.

    Attributes:
        broken: plugins that could not be loaded.
        disabled: plugins that SSLTOOLBOX_DISABLE names.
    """

    def __init__(
        self,
        provided: Iterable[Provided],
        broken: Iterable[BrokenPlugin] = (),
        disabled: Iterable[Origin] = (),
    ) -> None:
        self.broken = tuple(broken)
        self.disabled = tuple(disabled)
        self._by_kind: dict[Kind, dict[str, list[Provided]]] = defaultdict(lambda: defaultdict(list))
        for item in provided:
            self._by_kind[item.kind][item.descriptor.name].append(item)

    def names(self, kind: Kind) -> tuple[str, ...]:
        """The sorted names of a kind's components."""
        return tuple(sorted(self._by_kind[kind]))

    def all(self) -> tuple[Provided, ...]:
        """Every component, by kind, then by name; a name provided twice comes twice. Of a family, the family."""
        return tuple(
            item for kind in KINDS.values() for name in self.names(kind) for item in self._by_kind[kind][name]
        )

    def find(self, name: str, *kinds: Kind) -> tuple[Provided, ...]:
        """The components of that name, of these or whatever kinds; else the members of families."""
        wanted = kinds or tuple(KINDS.values())
        found = tuple(item for item in self.all() if item.descriptor.name == name and item.kind in wanted)
        return found or tuple(member for kind in wanted for member in self._members(kind, name))

    def _families(self, kind: Kind) -> Iterator[Provided]:
        for items in self._by_kind[kind].values():
            yield from (item for item in items if item.descriptor.names)

    def _members(self, kind: Kind, name: str) -> list[Provided]:
        """The members of that name in the families of a kind."""
        return [
            replace(family, descriptor=replace(family.descriptor, name=name, names=None))
            for family in self._families(kind)
            if name.partition(".")[0] in _names_of(family)
        ]

    def all_names(self) -> set[str]:
        """The names of all components and of all plugins."""
        of_components = {item.descriptor.name for item in self.all()}
        broken = {plugin.origin.plugin for plugin in self.broken}
        return (
            of_components
            | {item.origin.plugin for item in self.all()}
            | broken
            | {o.plugin for o in self.disabled}
        )

    def rivals(self, item: Provided) -> tuple[Provided, ...]:
        """The other components of the same kind and name: with one of them, neither can be used."""
        return tuple(other for other in self._by_kind[item.kind][item.descriptor.name] if other is not item)

    def provided_by(self, origin: Origin) -> tuple[Provided, ...]:
        """The components of a plugin."""
        return tuple(item for item in self.all() if item.origin == origin)

    def plugins(self, name: str) -> tuple[Origin, ...]:
        """The plugins of that name, those that are broken or disabled as well."""
        broken = [plugin.origin for plugin in self.broken]
        origins = [*(item.origin for item in self.all()), *broken, *self.disabled]
        return tuple(dict.fromkeys(origin for origin in origins if origin.is_called(name)))

    def state(self, origin: Origin) -> Literal["ok", "broken", "disabled"]:
        """The state of a plugin."""
        if origin in self.disabled:
            return "disabled"
        return "broken" if self.broken_plugin(origin) else "ok"

    def broken_plugin(self, origin: Origin) -> BrokenPlugin | None:
        """The record of a broken plugin; None for a plugin that works."""
        return next((plugin for plugin in self.broken if plugin.origin == origin), None)

    def get(self, kind: Kind, name: str) -> Provided:
        """The component of that kind and name.

        Raises:
            PluginError: when there is none, or more than one. Its cause is the exception of the broken plugin
                that may have it, or a group, where there are several.
        """
        found = [item for item in self._by_kind[kind].get(name, []) if not item.descriptor.names]
        found = found or self._members(kind, name)
        if len(found) == 1:
            return found[0]
        if found:
            origins = " and ".join(str(item.origin) for item in found)
            raise PluginError(f"{kind.singular} {name!r} is provided twice: by {origins}", LEAVE_ONE)
        raise PluginError(f"unknown {kind.singular} {name!r}", self._advice(kind, name)) from self._cause(
            name
        )

    def _advice(self, kind: Kind, name: str) -> str:
        for plugin in self.broken:
            if plugin.origin.is_called(name):
                return f"{plugin.origin} is broken: {plugin.reason}"
        for origin in self.disabled:
            if origin.is_called(name):
                return f"{origin} is disabled by {DISABLE}"
        for other in self.find(name):
            return f"{name!r} is a {other.kind.singular}"
        members = {item.descriptor.name: _names_of(item) for item in self._families(kind)}
        names = [known for known in self.names(kind) if known not in members]
        families = [f"{len(found)} names of {family}" for family, found in members.items()]
        every = [*names, *chain.from_iterable(members.values())]
        asked = ((name, names), (name, every), (_without_place(name), every))
        hint = next(filter(None, (did_you_mean(word, known) for word, known in asked)), "")
        advice = hint or f"known: {', '.join([*names, *families]) or 'none is installed'}"
        left_out = "; ".join(self._left_out())
        return f"{advice} ({left_out})" if left_out else advice

    def _left_out(self) -> Iterator[str]:
        """Broken or disabled plugins that may provide a missing component."""
        for plugin in self.broken:
            yield f"{plugin.origin} is broken: {plugin.reason}"
        for origin in self.disabled:
            yield f"{origin} is disabled by {DISABLE}"

    def _cause(self, name: str) -> BaseException | None:
        named = [plugin for plugin in self.broken if plugin.origin.is_called(name)]
        errors = [plugin.error for plugin in named or self.broken if plugin.error]
        if len(errors) > 1:
            return BaseExceptionGroup("broken plugins", errors)
        return errors[0] if errors else None


def _without_place(name: str) -> str:
    """
    >>> _without_place("hf-hub:timm/resnet18.a1_in1k")
    'resnet18'
    """
    return name.rpartition(":")[2].rpartition("/")[2].partition(".")[0]


def _names_of(family: Provided) -> Collection[str]:
    """
    Raises:
        PluginError: where the plugin's code fails.
    """
    assert family.descriptor.names is not None
    with family.blamed_for("names()"):
        return family.descriptor.names()
