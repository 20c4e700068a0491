"""Diagnostics of the features during training, and a warning when they collapse."""

from __future__ import annotations

import logging
from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from torch import Tensor

from ssltoolbox.api import Batch
from ssltoolbox.engine.core.stages import MicroBatch, role_major
from ssltoolbox.engine.training.ranks import is_logged, rows_of_all_ranks
from ssltoolbox.support.terminal import print_line

COLLAPSED_STD = 0.1
"""`feature_std` below this is a collapse: the cosine of two embeddings is then 0.99 on average.

benchmarks/RESULTS.md has the values of healthy and of collapsed runs.
"""
COLLAPSED_LOGS = 5
"""Consecutive logs below it before the warning: a high learning rate narrows features for a few steps only."""

log = logging.getLogger(__name__)


def feature_std(embeddings: Tensor) -> Tensor:
    """The spread of normalised embeddings: 1 over the whole sphere, 0 if all are the same.

    The standard deviation of each dimension over the batch, averaged over dimensions, times √D
    (Chen & He, Exploring Simple Siamese Representation Learning, 2021, figure 2).

    Args:
        embeddings: [B, D] with B ≥ 2.
    """
    return F.normalize(embeddings, dim=1).std(dim=0).mean() * embeddings.shape[1] ** 0.5


def alignment(embeddings: Tensor, pairs: Tensor) -> Tensor:
    """How far the two sides of a pair lie apart: mean ‖a − b‖² of normalised embeddings, 0 (equal) to 4.

    Wang & Isola, Understanding Contrastive Representation Learning through Alignment and Uniformity, 2020,
    with α = 2.

    Args:
        embeddings, pairs: [B, D]; row i of both is a pair.
    """
    difference = F.normalize(embeddings, dim=1) - F.normalize(pairs, dim=1)
    return difference.square().sum(dim=1).mean()


def uniformity(embeddings: Tensor) -> Tensor:
    """How evenly embeddings cover the sphere: log of the mean of exp(−2‖a − b‖²) over all a ≠ b of the batch.

    0 when all are the same, about −4 when they are spread evenly (Wang & Isola 2020, with t = 2).

    Args:
        embeddings: [B, D] with B ≥ 2.
    """
    return torch.pdist(F.normalize(embeddings, dim=1)).square().mul(-2).exp().mean().log()


def effective_rank(embeddings: Tensor) -> Tensor:
    """How many dimensions embeddings use: from 1 to min(B, D).

    RankMe, the exponential of the entropy of the singular values divided by their sum (Garrido et al., RankMe:
    Assessing the Downstream Performance of Pretrained Self-Supervised Representations by Their Rank, 2023).

    Args:
        embeddings: [B, D], not all zero.
    """
    values = torch.linalg.svdvals(embeddings)
    shares = values / values.sum()
    return torch.special.entr(shares).sum().exp()


def neighbour_agreement(embeddings: Tensor, labels: Tensor, clips: Tensor) -> tuple[Tensor, Tensor]:
    """How often the nearest row of another clip has a row's label, and how often any such row has it.

    This is a kNN probe by cosine, with k = 1, on one batch. A single value is noisy; the mean over many is not.

    Args:
        embeddings: [B, D].
        labels: [B] classes, -1 for none.
        clips: [B].

    Returns:
        [] and [] shares over the rows that have a label and a labelled row of another clip; NaN without any.
    """
    unit = F.normalize(embeddings, dim=1)
    eligible = (clips[:, None] != clips) & (labels >= 0) & (labels[:, None] >= 0)
    nearest = (unit @ unit.T).masked_fill(~eligible, -torch.inf).argmax(dim=1)
    rows = eligible.any(dim=1)
    same = labels[:, None] == labels
    hits = same.gather(1, nearest[:, None])[:, 0][rows].float().mean()
    chance = ((same & eligible).sum(dim=1) / eligible.sum(dim=1).clamp(min=1))[rows].mean()
    return hits, chance


class WatchFeatures(Callback):
    """Logs diagnostics of the embeddings at each logged step, and warns once in a run if they have collapsed.

    The diagnostics are over the rows of one micro-batch of all processes.

    Args:
        console: gets the warning; the log gets it too.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self._narrow_logs = 0
        self._warned = False

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: Any, outputs: Any, micro_batch: MicroBatch, index: int
    ) -> None:
        """Reads `outputs["embeddings"]` and, if the method reports them, `outputs["pairs"]`."""
        if outputs["embeddings"] is None or not is_logged(trainer, index):
            return
        embeddings, pairs = rows_of_all_ranks(outputs["embeddings"]), outputs["pairs"]
        pairs = None if pairs is None else rows_of_all_ranks(pairs)
        if len(embeddings) < 2 or not embeddings.isfinite().all():
            return
        numbers = describe(embeddings, pairs)
        module.log_dict(numbers | neighbours_with_the_same_label(embeddings, micro_batch.batch))
        self._judge(float(numbers["feature_std"]), trainer)

    def state_dict(self) -> dict[str, Any]:
        """State for the checkpoint, so that a resumed run does not warn again."""
        return {"narrow_logs": self._narrow_logs, "warned": self._warned}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores that state."""
        self._narrow_logs, self._warned = state_dict["narrow_logs"], state_dict["warned"]

    def _judge(self, std: float, trainer: pl.Trainer) -> None:
        self._narrow_logs = self._narrow_logs + 1 if std < COLLAPSED_STD else 0
        if self._narrow_logs < COLLAPSED_LOGS or self._warned or not trainer.is_global_zero:
            return
        self._warned = True
        line = (
            f"the features have collapsed by step {trainer.global_step}: all faces look nearly the same to the "
            f"network (feature_std {std:.2g}; 1 is spread, 0 is collapsed)"
        )
        log.warning(line)
        print_line(self.console, line)


def neighbours_with_the_same_label(embeddings: Tensor, batch: Batch) -> dict[str, Tensor]:
    """`neighbour_same_<label>` and `neighbour_chance_<label>`, for each label of the batch that is a class.

    Args:
        embeddings: of all processes.
        batch: of this one.
    """
    numbers: dict[str, Tensor] = {}
    for name, labels in batch.labels.items():
        if labels.ndim > 2 or labels.is_floating_point():
            continue
        instances = 1 + batch.hard_negatives
        classes, clips = (rows_of_all_ranks(role_major(part[:, :instances])) for part in (labels, batch.clip))
        hits, chance = neighbour_agreement(embeddings.float(), classes, clips)
        if not hits.isnan():
            numbers |= {f"neighbour_same_{name}": hits, f"neighbour_chance_{name}": chance}
    return numbers


@torch.no_grad()
def describe(embeddings: Tensor, pairs: Tensor | None) -> dict[str, Tensor]:
    """The numbers by the names that they have in metrics.csv.

    Args:
        embeddings: [B, D] with B ≥ 2, of any precision.
        pairs: [B, D] the other side, where it is known.
    """
    embeddings = embeddings.float()
    numbers = {
        "feature_std": feature_std(embeddings),
        "uniformity": uniformity(embeddings),
        "effective_rank": effective_rank(embeddings),
    }
    if pairs is not None:
        numbers["alignment"] = alignment(embeddings, pairs.float())
    return numbers
