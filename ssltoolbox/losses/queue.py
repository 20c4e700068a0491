"""Who lies in a queue, and who is on the other ranks: the rows that go with embeddings."""

from __future__ import annotations

import torch
from lightly.models.utils import concat_all_gather
from torch import nn

from ssltoolbox.api import MethodContext, Rows


def gather_rows(rows: Rows) -> Rows:
    """The rows of all ranks, rank after rank, as lightly gathers embeddings."""
    return rows.changed(lambda values: concat_all_gather(values.contiguous()))


def candidates_in_batch(rows: Rows, context: MethodContext) -> Rows:
    """The rows of `NTXentLoss`'s columns in batch: side A of every rank, then side B of every rank.

    Other ranks' rows are asked for only where somebody looks at them, maskers or weights.
    """
    if not context.distributed or not (context.maskers or rows.weight is not None):
        return rows
    half = len(rows) // 2
    return gather_rows(rows[:half]) + gather_rows(rows[half:])


class RowQueue(nn.Module):
    """The rows beside a queue of keys, moved on in step with it, and part of the state dict.

    Places not yet filled have draw -1 and a NaN descriptor; so no masker ever picks one. Of the labels the
    expression is kept, for the report of how often a masker's pick shares it.
    """

    def __init__(self, length: int, descriptor_dim: int) -> None:
        super().__init__()
        for name in ("draw", "clip", "identity", "expression"):
            self.register_buffer(name, torch.full((length,), -1))
        self.register_buffer("time", torch.full((length,), torch.nan, dtype=torch.float64))
        self.register_buffer("descriptor", torch.full((length, descriptor_dim), torch.nan))

    def rows(self) -> Rows:
        """[length] what lies in the queue now, in its order."""
        draw, clip, identity, time, descriptor = (self.get_buffer(name) for name in _FIELDS)
        return Rows(draw, clip, identity, time, descriptor, {"expression": self.get_buffer("expression")})

    @torch.no_grad()
    def enqueue(self, rows: Rows, pointer: int) -> None:
        """Writes rows at the place where the queue of keys wrote theirs: `pointer` before it moved on."""
        places = slice(pointer, pointer + len(rows))
        for name in _FIELDS:
            self.get_buffer(name)[places] = getattr(rows, name)
        self.get_buffer("expression")[places] = rows.labels.get("expression", torch.tensor(-1))


_FIELDS = ("draw", "clip", "identity", "time", "descriptor")
