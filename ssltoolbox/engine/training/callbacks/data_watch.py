"""Sums the counts of loading and rendering, and fails a run with too many unreadable images."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from ssltoolbox.api import SslToolboxError
from ssltoolbox.engine.core.stages import MicroBatch
from ssltoolbox.engine.training.ranks import is_logged, of_all_ranks, several
from ssltoolbox.support.words import agreeing, counted

MOST_UNREADABLE = 0.01
"""The share of unreadable images that fails a run."""
ENOUGH_TO_JUDGE = 1000
"""Images read before the share is judged."""
MOST_NOTES = 20
"""Unreadable images that are named."""
COUNTED_BY_THE_ENGINE = frozenset(
    ("draws", "frames_read", "frames_unreadable", "clips_refused", "anchors_refused")
)
"""All other counts are those of strategies."""


class DataWatch(Callback):
    """Sums the counts of the batches, from loading to `render`, over all processes.

    Each count is logged per sample, over the steps since the last logged one, as `<count>_per_sample`. More than
    1% of unreadable images is an error.

    Attributes:
        counts: of all processes; "draws" are counted here.
        notes: unreadable images with reasons, the first few.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.notes: list[str] = []
        self._at_last_log: Counter[str] = Counter()
        self._new: Counter[str] = Counter()
        self._new_notes: list[str] = []

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: Any, outputs: Any, micro_batch: MicroBatch, index: int
    ) -> None:
        """Adds `outputs["counts"]`; fails the run if too many images are unreadable."""
        self._new.update(outputs["counts"])
        self._new["draws"] += len(micro_batch.batch)
        self._new_notes += micro_batch.batch.notes[:MOST_NOTES]
        logged = is_logged(trainer, index)
        if logged or not several():
            self._add_up()
        if self.counts["frames_read"] >= ENOUGH_TO_JUDGE:
            self._refuse_too_many()
        if logged:
            module.log_dict(self._per_sample())

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Checks runs that are too short for the checks before."""
        self._add_up()
        if not trainer.should_stop:
            self._refuse_too_many()

    def state_dict(self) -> dict[str, Any]:
        """State for the checkpoint, so that a resumed run continues to count. All processes call it together."""
        self._add_up()
        return {
            "counts": dict(self.counts),
            "notes": self.notes,
            "at_last_log": dict(self._at_last_log),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the counts."""
        self.counts, self.notes = Counter(state_dict["counts"]), list(state_dict["notes"])
        self._at_last_log = Counter(state_dict["at_last_log"])

    def summary(self) -> list[str]:
        """Lines for the end of a run: unreadable and refused data, and a line for each count of a strategy."""
        lines = []
        if self.counts["frames_unreadable"]:
            share = self.counts["frames_unreadable"] / self.counts["frames_read"]
            were = agreeing(self.counts["frames_unreadable"], "was", "were")
            lines.append(
                f"{self.counts['frames_unreadable']} of {self.counts['frames_read']} images {were} unreadable "
                f"({share:.2%}) and replaced by other samples:"
            )
            lines += [f"  {note}" for note in self.notes]
        if self.counts["clips_refused"]:
            samples = counted(self.counts["clips_refused"], "sample")
            lines.append(f"{samples} fell on clips too short for the strategies")
        if self.counts["anchors_refused"]:
            anchors = counted(self.counts["anchors_refused"], "anchor")
            lines.append(f"{anchors} had no answer from the strategies")
        lines += [
            f"{name.replace('_', ' ')}: {count}, {count / self.counts['draws']:.2f} per sample"
            for name, count in sorted(self.counts.items())
            if name not in COUNTED_BY_THE_ENGINE
        ]
        return lines

    def _add_up(self) -> None:
        for counts, notes in of_all_ranks((dict(self._new), self._new_notes[:MOST_NOTES])):
            self.counts.update(counts)
            new = [note for note in dict.fromkeys(notes) if note not in self.notes]
            self.notes += new[: MOST_NOTES - len(self.notes)]
        self._new.clear()
        self._new_notes.clear()

    def _per_sample(self) -> dict[str, float]:
        """The counts since the last call, divided by the draws since then."""
        draws = self.counts["draws"] - self._at_last_log["draws"]
        shares = {
            f"{name}_per_sample": (count - self._at_last_log[name]) / draws
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
