"""Compares the values that a plugin got, or returned, with earlier ones."""

from __future__ import annotations

import random
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import torch


def devices() -> tuple[str, ...]:
    """The devices to test on: the CPU, and the accelerator if there is one."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def seed_globally(seed: int) -> None:
    """Seeds every global generator that a plugin might use."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def same(one: Any, other: Any) -> bool:
    """True if two values, with NaN among them, are bit-identical."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one.isnan(), other.isnan()) and _equal(one, other)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        floats = np.issubdtype(one.dtype, np.floating)
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=floats)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if is_dataclass(one) and type(one) is type(other):
        return same(vars(one), vars(other))
    if isinstance(one, float) and isinstance(other, float) and one != one:
        return other != other
    return bool(one == other)


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.equal(one[~one.isnan()], other[~other.isnan()])


def copy_of(thing: Any) -> dict[str, Any]:
    """The fields of a dataclass, every tensor and array copied, for `changed_field`."""
    return {name: _copied(value) for name, value in vars(thing).items()}


def changed_field(before: dict[str, Any], thing: Any) -> str:
    """The name of the first field that has changed since `copy_of`; empty if none has."""
    return next((name for name, value in before.items() if not same(value, getattr(thing, name))), "")


def _copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    return {key: _copied(item) for key, item in value.items()} if isinstance(value, dict) else value


def shape_of(tensor: Any) -> str:
    """The type and shape of a tensor, for a message.

    >>> shape_of(torch.zeros(2, 3)), shape_of(None)
    ('float32 [2, 3]', 'None')
    """
    if not hasattr(tensor, "shape"):
        return f"{tensor!r:.80}"
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
