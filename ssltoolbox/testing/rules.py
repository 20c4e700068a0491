"""What a rule is, and what it looks at."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ssltoolbox.api import Descriptor, Kind, Options


class Breach(Exception):
    """A rule is broken; the message is advice to the plugin's author."""


@dataclass(frozen=True)
class Subject:
    """A component under test.

    Attributes:
        kind: of the component.
        card: what its hook yielded.
        module: where the hook is; empty for a file that is not installed.
        options: as they would come from a recipe.
        target: what the card's target names.
    """

    kind: Kind
    card: Descriptor
    module: str
    options: Options
    target: Callable[..., Any]

    @property
    def name(self) -> str:
        """The target's own name."""
        return getattr(self.target, "__name__", self.card.name)

    def make(self, *arguments: Any) -> Any:
        """A new object of it, as the engine makes one."""
        return self.target(self.options, *arguments)

    def on(self, device: str) -> Any:
        """A new object of it whose weights, if it has any, are on the device."""
        made = self.make()
        return made.to(device) if isinstance(made, nn.Module) else made


@dataclass(frozen=True)
class Rule:
    """One thing that a plugin must keep to.

    Attributes:
        title: the rule in a few words, as it reads when it is kept.
        check: raises `Breach` where it is broken.
        applies: whether a component has to keep it.
    """

    title: str
    check: Callable[[Subject], None]
    applies: Callable[[Subject], bool]


def rule(
    title: str, applies: Callable[[Subject], bool] = lambda subject: True
) -> Callable[[Callable[[Subject], None]], Rule]:
    """Makes a rule of a function."""
    return lambda check: Rule(title, check, applies)


def devices() -> tuple[str, ...]:
    """Where tensors are tried: the CPU, and the accelerator if there is one."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def seed_globally(seed: int) -> None:
    """Seeds every global generator that a plugin might draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def same(one: Any, other: Any) -> bool:
    """True if two values, tensors and arrays with NaN among them, are equal to the bit."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one.isnan(), other.isnan()) and _equal(one, other)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        floats = np.issubdtype(one.dtype, np.floating)
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=floats)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    return bool(one == other)


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.equal(one[~one.isnan()], other[~other.isnan()])


def copy_of(thing: Any) -> dict[str, Any]:
    """The fields of a dataclass with every tensor and array copied, to see later what has changed."""
    return {name: _copied(value) for name, value in vars(thing).items()}


def changed_field(before: dict[str, Any], thing: Any) -> str:
    """The name of a field that is no longer as `copy_of` saw it; empty if all are."""
    return next((name for name, value in before.items() if not same(value, getattr(thing, name))), "")


def _copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    return {key: _copied(item) for key, item in value.items()} if isinstance(value, dict) else value


def shape_of(tensor: Any) -> str:
    """What kind of tensor something is, for a message.

    >>> shape_of(torch.zeros(2, 3)), shape_of(None)
    ('float32 [2, 3]', 'None')
    """
    if not hasattr(tensor, "shape"):
        return repr(tensor)
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
