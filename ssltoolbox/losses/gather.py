"""Embeddings and rows of all ranks.

Losses are averaged over the rows of a rank, and gradients over ranks. So a loss that compares the rows of a rank
with what is gathered here equals the loss of one process with all rows.
"""

from __future__ import annotations

import torch
from lightly.models.utils import concat_all_gather
from lightly.utils import dist
from torch import Tensor

from ssltoolbox.api import MethodContext, Rows


def gather_embeddings(embeddings: Tensor) -> Tensor:
    """[N, …] → [G, …] the embeddings of all ranks, rank after rank, with gradients to all of them.

    With one rank, these are the embeddings themselves. All ranks must have the same number of them.
    """
    return torch.cat(dist.gather(embeddings)) if dist.world_size() > 1 else embeddings


def gather_rows(rows: Rows) -> Rows:
    """The rows of all ranks, in the order of `gather_embeddings`."""
    return rows.changed(lambda values: concat_all_gather(values.contiguous()))


def candidates_in_batch(rows: Rows, context: MethodContext, needed: bool = False) -> Rows:
    """The rows of `NTXentLoss`'s columns in batch: side A of every rank, then side B of every rank.

    It gathers rows from other ranks only if maskers, weights or the method itself (`needed`) need them. Otherwise,
    it returns `rows`.
    """
    if not context.distributed or not (needed or context.maskers or rows.weight is not None):
        return rows
    half = len(rows) // 2
    return gather_rows(rows[:half]) + gather_rows(rows[half:])
