"""What happened to the data on its way: counted, logged, and said at the end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from ssltoolbox.api import SslToolboxError
from ssltoolbox.engine.core.stages import MicroBatch

MOST_UNREADABLE = 0.01
"""The share of unreadable images that fails a run."""
ENOUGH_TO_JUDGE = 1000
"""Images read before the share is judged."""
MOST_NOTES = 20
"""Unreadable images that are named."""
COUNTED_BY_THE_ENGINE = frozenset(
    ("draws", "frames_read", "frames_unreadable", "clips_refused", "anchors_refused")
)
"""All other counts are a strategy's own."""


def is_logged(trainer: pl.Trainer, index: int) -> bool:
    """True after the last micro-batch of a step that gets a row in metrics.csv."""
    ends_step = (index + 1) % trainer.accumulate_grad_batches == 0
    return ends_step and trainer.global_step % trainer.log_every_n_steps == 0  # type: ignore[attr-defined]


class DataWatch(Callback):
    """Adds up what batches report, on the way here and by what generators made of them in `render`.

    Each count is logged per draw, over the steps since the last logged one, as `<count>_per_draw`. More than 1 %
    of unreadable images is an error.

    Attributes:
        counts: over all ranks at the end of training, over this one before; "draws" are counted here.
        notes: unreadable images with reasons, the first few, on this rank.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.notes: list[str] = []
        self._at_last_log: Counter[str] = Counter()

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: Any, outputs: Any, micro_batch: MicroBatch, index: int
    ) -> None:
        """Counts `outputs["counts"]`; fails the run where too much is unreadable."""
        self.counts.update(outputs["counts"])
        self.counts["draws"] += len(micro_batch.batch)
        room = MOST_NOTES - len(self.notes)
        self.notes += [note for note in micro_batch.batch.notes if note not in self.notes][:room]
        if self.counts["frames_read"] >= ENOUGH_TO_JUDGE:
            self._refuse_too_many()
        if is_logged(trainer, index):
            module.log_dict(self._per_draw())

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Adds up the ranks, and judges what was too little to be judged before."""
        if trainer.world_size > 1:
            of_ranks: list[Any] = [None] * trainer.world_size
            # As objects: a generator may have counted something on one rank only.
            torch.distributed.all_gather_object(of_ranks, dict(self.counts))
            self.counts = Counter()
            for counts in of_ranks:
                self.counts.update(counts)
        if not trainer.should_stop:
            self._refuse_too_many()

    def state_dict(self) -> dict[str, Any]:
        """Goes into the checkpoint, so that a resumed run goes on counting."""
        return {
            "counts": dict(self.counts),
            "notes": self.notes,
            "at_last_log": dict(self._at_last_log),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up the counts of an earlier part of the run."""
        self.counts, self.notes = Counter(state_dict["counts"]), list(state_dict["notes"])
        self._at_last_log = Counter(state_dict["at_last_log"])

    def summary(self) -> list[str]:
        """Lines for the end of a run: what went wrong with the data, and a line for each strategy's count."""
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
        if self.counts["anchors_refused"]:
            lines.append(f"{self.counts['anchors_refused']} anchors had no answer from the strategies")
        lines += [
            f"{name.replace('_', ' ')}: {count}, {count / self.counts['draws']:.2f} per draw"
            for name, count in sorted(self.counts.items())
            if name not in COUNTED_BY_THE_ENGINE
        ]
        return lines

    def _per_draw(self) -> dict[str, float]:
        """The counts since the last call, divided by the draws since then."""
        draws = self.counts["draws"] - self._at_last_log["draws"]
        shares = {
            f"{name}_per_draw": (count - self._at_last_log[name]) / draws
            for name, count in self.counts.items()
            if name not in ("draws", "frames_read")
        }
        self._at_last_log = self.counts.copy()
        return shares

    def _refuse_too_many(self) -> None:
        unreadable, read = self.counts["frames_unreadable"], self.counts["frames_read"]
        if unreadable > MOST_UNREADABLE * read:
            raise SslToolboxError(
                f"{unreadable} of {read} images are unreadable, more than {MOST_UNREADABLE:.0%}: "
                + "; ".join(self.notes[:5])
            )
