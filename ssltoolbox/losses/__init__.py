"""A contrastive loss that takes a mask, explicit negatives and an attraction. Public: methods may use it."""

from ssltoolbox.losses.masking import MaskerUnion, Masking
from ssltoolbox.losses.nt_xent import NTXentLoss
from ssltoolbox.losses.queue import RowQueue, candidates_in_batch, gather_rows
from ssltoolbox.losses.weights import weights_within_draws

__all__ = [
    "MaskerUnion",
    "Masking",
    "NTXentLoss",
    "RowQueue",
    "candidates_in_batch",
    "gather_rows",
    "weights_within_draws",
]
