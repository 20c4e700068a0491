"""Contrastive losses with masks, explicit negatives and an attraction. Public: methods may import it."""

from ssltoolbox.losses.choices import RobustInfoNCE, SoftTargets
from ssltoolbox.losses.gather import candidates_in_batch, gather_embeddings, gather_rows
from ssltoolbox.losses.nt_xent import NTXentLoss, mean_of
from ssltoolbox.losses.pairs import same_class, weights_within_draws
from ssltoolbox.losses.precision import in_single_precision
from ssltoolbox.losses.queue import RowQueue, saved

__all__ = [
    "NTXentLoss",
    "RobustInfoNCE",
    "RowQueue",
    "SoftTargets",
    "candidates_in_batch",
    "gather_embeddings",
    "gather_rows",
    "in_single_precision",
    "mean_of",
    "same_class",
    "saved",
    "weights_within_draws",
]
