"""What happened to the data on its way: counted, logged, and said at the end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from ssltoolbox.api import Batch, SslToolboxError

MOST_UNREADABLE = 0.01
"""The share of unreadable images that fails a run."""
ENOUGH_TO_JUDGE = 1000
"""Images read before the share is judged."""
MOST_NOTES = 20
"""Unreadable images that are named."""


class DataWatch(Callback):
    """Adds up what batches report. More than 1 % of unreadable images is an error.

    Attributes:
        counts: over all ranks at the end of training, over this one before.
        notes: unreadable images with reasons, the first few, on this rank.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.notes: list[str] = []

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Batch, index: int
    ) -> None:
        """Counts; fails the run where too much is unreadable."""
        self.counts.update(batch.counts)
        room = MOST_NOTES - len(self.notes)
        self.notes += [note for note in batch.notes if note not in self.notes][:room]
        if self.counts["frames_read"] >= ENOUGH_TO_JUDGE:
            self._refuse_too_many()

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Adds up the ranks, and judges what was too little to be judged before."""
        names = sorted(self.counts)
        if trainer.world_size > 1:
            values = torch.tensor([self.counts[name] for name in names], device=module.device)
            torch.distributed.all_reduce(values)
            self.counts = Counter(dict(zip(names, values.tolist(), strict=True)))
        if not trainer.should_stop:
            self._refuse_too_many()

    def state_dict(self) -> dict[str, Any]:
        """Goes into the checkpoint, so that a resumed run goes on counting."""
        return {"counts": dict(self.counts), "notes": self.notes}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up the counts of an earlier part of the run."""
        self.counts, self.notes = Counter(state_dict["counts"]), list(state_dict["notes"])

    def summary(self) -> list[str]:
        """Lines for the end of a run; none where nothing happened."""
        lines = []
        if self.counts["frames_unreadable"]:
            share = self.counts["frames_unreadable"] / self.counts["frames_read"]
            lines.append(
                f"{self.counts['frames_unreadable']} of {self.counts['frames_read']} images were unreadable "
                f"({share:.2%}) and replaced by other draws:"
            )
            lines += [f"  {note}" for note in self.notes]
        if self.counts["clips_refused"]:
            lines.append(f"{self.counts['clips_refused']} draws fell on clips too short for the strategies")
        return lines

    def _refuse_too_many(self) -> None:
        unreadable, read = self.counts["frames_unreadable"], self.counts["frames_read"]
        if unreadable > MOST_UNREADABLE * read:
            raise SslToolboxError(
                f"{unreadable} of {read} images are unreadable, more than {MOST_UNREADABLE:.0%}: "
                + "; ".join(self.notes[:5])
            )
