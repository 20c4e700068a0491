"""Finds every value that can be reached through an object's attributes, and whether one has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

_OPAQUE = (type, ModuleType, FunctionType, MethodType, torch.device, torch.dtype)
_PLAIN = (str, bytes, int, float, complex, bool, type(None))


def kept_by(thing: Any) -> Iterator[tuple[str, Any]]:
    """The path and the value of everything that an object keeps, without the object itself.

    Examples:
        >>> from types import SimpleNamespace
        >>> list(kept_by(SimpleNamespace(size=8, seen=[3])))
        [('size', 8), ('seen', [3]), ('seen[0]', 3)]
    """
    yield from _below("", thing, {id(thing)})


def path_to(wanted: Any, thing: Any) -> str:
    """The path at which an object keeps a value; empty if it does not keep it."""
    return next((path for path, value in kept_by(thing) if value is wanted), "")


def state_of(thing: Any) -> dict[str, Any]:
    """Path → a value to compare, for everything that an object keeps."""
    return {path: _fingerprint(value) for path, value in kept_by(thing)}


def first_change(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The path of the first value that is new, missing or changed; empty if there is none."""
    for path in [*before, *(path for path in after if path not in before)]:
        if path not in before or path not in after or before[path] != after[path]:
            return path
    return ""


def _below(path: str, thing: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    for name, value in _members(thing):
        here = f"{path}{name}" if path or not name.startswith(".") else name[1:]
        yield here, value
        if not isinstance(value, (*_PLAIN, torch.Tensor, np.ndarray)) and id(value) not in seen:
            seen.add(id(value))
            yield from _below(here, value, seen)


def _members(thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, Mapping):
        yield from ((f"[{key!r}]", value) for key, value in thing.items())
    elif isinstance(thing, list | tuple):
        yield from ((f"[{index}]", value) for index, value in enumerate(thing))
    elif isinstance(thing, nn.Module):
        hidden = {"_parameters", "_buffers", "_modules"}
        yield from ((f".{key}", value) for key, value in vars(thing).items() if key not in hidden)
        for group in (thing._parameters, thing._buffers, thing._modules):
            yield from ((f".{key}", value) for key, value in group.items())
    elif not isinstance(thing, _OPAQUE):
        yield from ((f".{key}", value) for key, value in getattr(thing, "__dict__", {}).items())


def _fingerprint(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        content = value.reshape(-1).contiguous().view(torch.uint8).numpy().tobytes()
        return str(value.dtype), tuple(value.shape), hashlib.sha1(content).digest()
    if isinstance(value, np.ndarray):
        content = repr(value.tolist()).encode() if value.dtype.hasobject else value.tobytes()
        return str(value.dtype), value.shape, hashlib.sha1(content).digest()
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if isinstance(value, torch.Generator):
        return value.get_state().numpy().tobytes()
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    return type(value).__qualname__, len(value) if isinstance(value, list | tuple | Mapping) else 0
