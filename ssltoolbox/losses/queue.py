"""Who lies in a queue, and who is on the other ranks: the rows that go with embeddings."""

from __future__ import annotations

from dataclasses import fields

import torch
from lightly.models.utils import concat_all_gather
from torch import Tensor, nn

from ssltoolbox.api import Rows


def gather_rows(rows: Rows) -> Rows:
    """The rows of all ranks, rank after rank, as lightly gathers embeddings; without labels."""
    return Rows(**{name: concat_all_gather(value.contiguous()) for name, value in _tensors(rows).items()})


class RowQueue(nn.Module):
    """The rows beside a queue of keys, moved on in step with it, and part of the state dict.

    Places not yet filled have draw -1 and a NaN descriptor; so no masker ever picks one.
    """

    def __init__(self, length: int, descriptor_dim: int) -> None:
        super().__init__()
        self.length = length
        for name in ("draw", "clip", "identity"):
            self.register_buffer(name, torch.full((length,), -1))
        self.register_buffer("time", torch.full((length,), torch.nan, dtype=torch.float64))
        self.register_buffer("descriptor", torch.full((length, descriptor_dim), torch.nan))

    def rows(self) -> Rows:
        """[length] what lies in the queue now, in its order."""
        draw, clip, identity, time, descriptor = (self.get_buffer(name) for name in _NAMES)
        return Rows(draw, clip, identity, time, descriptor)

    @torch.no_grad()
    def enqueue(self, rows: Rows, pointer: int) -> None:
        """Writes rows at the place where the queue of keys wrote theirs: `pointer` before it moved on."""
        for name, value in _tensors(rows).items():
            self.get_buffer(name)[pointer : pointer + len(rows)] = value


_NAMES = tuple(f.name for f in fields(Rows) if f.name != "labels")


def _tensors(rows: Rows) -> dict[str, Tensor]:
    return {name: getattr(rows, name) for name in _NAMES}
