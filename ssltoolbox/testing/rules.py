"""Rules, and the component under test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

from torch import nn

from ssltoolbox.api import Descriptor, Kind, Options, UserError
from ssltoolbox.testing.surroundings import Surroundings


@dataclass(frozen=True)
class Complaint:
    """One thing wrong with a component.

    Attributes:
        about: what it is about, such as an option or a call. A rule that tries many inputs may complain of the
            same thing many times; the first complaint about it is shown.
        advice: what is wrong and what to do.
    """

    about: str
    advice: str


class Breach(Exception):
    """A rule is broken and can't be tried any further; the message is advice to the plugin's author."""


class NotTried(Exception):
    """The rule can't be tested here; that is no fault of the plugin."""


class WrongInput(UserError):
    """The component can't be tested with the options or data that the user named."""


@dataclass(frozen=True)
class Subject:
    """A component under test.

    Attributes:
        kind: of the component.
        card: its descriptor.
        module: the module of the hook; empty for a file that is not installed.
        options: as they would come from a recipe.
        target: the object that the descriptor's target names.
        around: the data and the network that the user named.
    """

    kind: Kind
    card: Descriptor
    module: str
    options: Options
    target: Callable[..., Any]
    around: Surroundings = field(default_factory=Surroundings)

    @property
    def name(self) -> str:
        """The target's own name."""
        return getattr(self.target, "__name__", self.card.name)

    @property
    def trial_name(self) -> str:
        """The name in a recipe. For a family, it is a member made for tests, or else the shortest member."""
        if self.card.names is None:
            return self.card.name
        return min(self.card.names(), key=lambda name: (not name.startswith("test_"), len(name), name))

    @property
    def title(self) -> str:
        """Such as "method 'simclr'"."""
        return f"{self.kind.singular} {self.card.name!r}"

    @property
    def needs(self) -> frozenset[str]:
        """The component's needs with these options: labels, landmarks, a family of networks."""
        return frozenset(self.card.needs) | frozenset(self.options.also_needs())

    def make(self, *arguments: Any) -> Any:
        """A new object of the component, made as the engine makes it."""
        return self.target(self.options, *arguments)

    def on(self, device: str) -> Any:
        """A new object of the component, its weights (if any) on the device."""
        return moved(self.make(), device)


def rule_file(kind: Kind) -> ModuleType:
    """The rule file of a kind, with its `RULES`, and with a `make` if options alone can't make an object."""
    return import_module(f"ssltoolbox.testing.{kind}")


def moved(component: Any, device: str) -> Any:
    """The component, its weights (if any) on the device."""
    return component.to(device) if isinstance(component, nn.Module) else component


@dataclass(frozen=True)
class Rule:
    """One rule of a plugin's contract.

    Attributes:
        title: the rule in a few words, as it reads when it is kept.
        check: yields complaints; raises `Breach` where it can't continue.
        applies: whether a component has to keep it.
    """

    title: str
    check: Callable[[Subject], Iterable[Complaint] | None]
    applies: Callable[[Subject], bool]


def rule(
    title: str, applies: Callable[[Subject], bool] = lambda subject: True
) -> Callable[[Callable[[Subject], Iterable[Complaint] | None]], Rule]:
    """Makes a rule of a function.

    Examples:
        >>> @rule("has a name")
        ... def named(subject):
        ...     if not subject.name:
        ...         yield Complaint("name", "give it a name")
        >>> named.title
        'has a name'
    """
    return lambda check: Rule(title, check, applies)
