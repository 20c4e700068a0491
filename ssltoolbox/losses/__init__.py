"""A contrastive loss with a mask, explicit negatives and an attraction. Public: methods may import it."""

from ssltoolbox.losses.nt_xent import NTXentLoss, mean_of, weights_within_draws
from ssltoolbox.losses.queue import RowQueue, candidates_in_batch, gather_rows

__all__ = [
    "NTXentLoss",
    "RowQueue",
    "candidates_in_batch",
    "gather_rows",
    "mean_of",
    "weights_within_draws",
]
