"""Rows of the embeddings in a queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from lightly.models.modules.memory_bank import MemoryBankModule
from torch import Tensor, nn

from ssltoolbox.api import Rows

Bank = TypeVar("Bank", bound=MemoryBankModule)


def saved(bank: Bank) -> Bank:
    """Makes what is in a memory bank part of the state dict."""
    for name in ("bank", "bank_ptr"):
        bank.register_buffer(name, getattr(bank, name), persistent=True)
    return bank


class RowQueue(nn.Module):
    """The rows of the keys in a queue. They are part of the state dict; enqueue rows whenever you enqueue keys.

    An empty entry has draw -1, NaN descriptors and unknown labels, so that it is never masked. The queue keeps all
    labels and descriptors of the rows.

    Args:
        length: number of keys in the queue.
        descriptor_dim: not used; API 1 needed the size of the descriptors.
    """

    def __init__(self, length: int, descriptor_dim: int = 0) -> None:
        super().__init__()
        self.length = length
        for name in ("draw", "clip", "identity"):
            self.register_buffer(name, torch.full((length,), -1))
        self.register_buffer("time", torch.full((length,), torch.nan, dtype=torch.float64))

    def rows(self) -> Rows:
        """[length] the rows in the queue, in its order."""
        draw, clip, identity, time = (self.get_buffer(name) for name in _FIELDS)
        return Rows(
            draw, clip, identity, time, labels=self._kept("labels"), descriptors=self._kept("descriptors")
        )

    @torch.no_grad()
    def enqueue(self, rows: Rows, pointer: int) -> None:
        """Writes rows at `pointer`: the position of the queue of keys before it enqueues the keys."""
        entries = slice(pointer, pointer + len(rows))
        for name in _FIELDS:
            self.get_buffer(name)[entries] = getattr(rows, name)
        for group in _GROUPS:
            given: Mapping[str, Tensor] = getattr(rows, group)
            for key, values in given.items():
                self._buffer_like(_buffer_name(group, key), values)[entries] = values
            for key, kept in self._kept(group).items():
                if key not in given:
                    kept[entries] = unknown_of(kept)

    def _buffer_like(self, name: str, values: Tensor) -> Tensor:
        """The buffer of that name, made with its first values."""
        if name not in self._buffers:
            empty = values.new_empty((self.length, *values.shape[1:]))
            self.register_buffer(name, empty.fill_(unknown_of(values)))
        return self.get_buffer(name)

    def _kept(self, group: str) -> dict[str, Tensor]:
        """Name → buffer of all labels, or key → buffer of all descriptors."""
        prefix = _buffer_name(group, "")
        return {
            name.removeprefix(prefix).replace(_DOT, "."): buffer
            for name, buffer in self._buffers.items()
            if buffer is not None and name.startswith(prefix)
        }

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *args: Any) -> None:
        """Makes the buffers of the saved queue, then loads them."""
        for key, values in state_dict.items():
            name = key.removeprefix(prefix)
            if key.startswith(prefix) and name.startswith(
                tuple(_buffer_name(group, "") for group in _GROUPS)
            ):
                self._buffer_like(name, values.to(self.get_buffer("draw").device))
        super()._load_from_state_dict(state_dict, prefix, *args)


_FIELDS = ("draw", "clip", "identity", "time")
_GROUPS = ("labels", "descriptors")
_DOT = "·"
"""Replaces a dot in the name of a buffer, which torch does not allow."""


def _buffer_name(group: str, key: str) -> str:
    """The name of a buffer; it can't be the name of an attribute.

    >>> _buffer_name("labels", "gaze.x")
    'labels:gaze·x'
    """
    return f"{group}:{key.replace('.', _DOT)}"


def unknown_of(values: Tensor) -> float | int | bool:
    """The value for "unknown": NaN, -1 or False."""
    if values.is_floating_point():
        return torch.nan
    return False if values.dtype == torch.bool else -1
