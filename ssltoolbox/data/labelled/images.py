"""Labelled images and clips of any origin, with labels, identities and splits."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ssltoolbox.api import UserError
from ssltoolbox.data.label_columns import Label
from ssltoolbox.data.labelled.repeated import content_of
from ssltoolbox.data.splits import split_of, with_val
from ssltoolbox.support.paths import Root, printable
from ssltoolbox.support.words import agreeing, counted

LOOKED_FOR = 1000
"""Of more images, only so many are looked for before a run; looking for all of a large set takes minutes."""


@dataclass(frozen=True)
class SplitRule:
    """The assignment of images to splits where the data has none.

    Attributes:
        val: share of what is left to train on that is val, where the data names no val.
        test: share that is test, where the data has neither splits nor folds.
        fold: the fold that is the test split, from 1; None where splits go by other rules.
        folds: into how many folds people are dealt; None where the data has its own folds, or none.
    """

    val: float
    test: float
    fold: int | None = None
    folds: int | None = None


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images, sorted by clip and time.

    Attributes:
        root: the folder that paths are below.
        paths: [n] relative to the root.
        splits: [n] of str; empty where the data has no splits.
        identities: [n] int64.
        groups: [n] of str: a group stays in one split. It is the person, else the clip, else the image.
        clips: [n] int64, rising.
        clip_names: the names of the clips by number, for messages.
        times: [n] float64 seconds, increasing within a clip.
        folds: [n] int64 from 1; 0 where the data has no folds.
        boxes: [n, 4] left, top, width and height of the face in pixels; None where the whole image is the face.
        labels: name → label of the n images.
        left_out: reason → number of images that are not used.
    """

    root: Path
    paths: np.ndarray
    splits: np.ndarray
    identities: np.ndarray
    groups: np.ndarray
    clips: np.ndarray
    clip_names: np.ndarray
    times: np.ndarray
    folds: np.ndarray
    labels: Mapping[str, Label]
    boxes: np.ndarray | None = None
    left_out: Mapping[str, int] | None = None

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def starts(self) -> np.ndarray:
        """[clips] int64: the first row of each clip that has rows here."""
        return np.flatnonzero(np.diff(self.clips, prepend=-1))

    @cached_property
    def lengths(self) -> np.ndarray:
        """[clips] int64: rows of each clip."""
        return np.diff(np.append(self.starts, len(self)))

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """Label → the names of its classes or columns, where it has some."""
        return {name: label.names for name, label in self.labels.items() if label.names}

    @property
    def fold_count(self) -> int:
        """The number of the data's own folds; 0 for none."""
        return int(self.folds.max(initial=0))

    def where(self, chosen: np.ndarray) -> LabelledImages:
        """The images for which `chosen` [n] is True, or at the indices in `chosen`."""
        return replace(
            self,
            paths=self.paths[chosen],
            splits=self.splits[chosen],
            identities=self.identities[chosen],
            groups=self.groups[chosen],
            clips=self.clips[chosen],
            times=self.times[chosen],
            folds=self.folds[chosen],
            boxes=None if self.boxes is None else self.boxes[chosen],
            labels={name: label.at(chosen) for name, label in self.labels.items()},
        )

    def with_left_out(self, counts: Mapping[str, int]) -> LabelledImages:
        """The same images, with more in `left_out`."""
        return replace(self, left_out={**(self.left_out or {}), **counts})

    def assigned(self, rule: SplitRule) -> np.ndarray:
        """[n] of str: the split of each image. People, or else clips, are never torn apart.

        Raises:
            UserError: where the rule names a fold that does not exist.
        """
        if rule.fold is not None:
            folds = self.dealt(rule.folds) if rule.folds else self.folds
            if rule.fold not in folds:
                there = f"there are 1 to {int(folds.max(initial=0))}" if folds.any() else "write folds: 5"
                raise UserError(f"{printable(self.root)}: there is no fold {rule.fold}", there)
            held_out = np.where(folds == rule.fold, "test", "train")
            # Each fold needs its val split, and sets with folds may have few people.
            return with_val(held_out, self.groups, rule.val, enough=3)
        if not (self.splits != "").any():
            return np.array([split_of(group, rule.val, rule.test) for group in self.groups])
        return with_val(self.splits, self.groups, rule.val)

    def missing(self) -> tuple[list[str], int]:
        """Paths of images that are not there, and the number of images that were looked for: few of many."""
        tried = self.paths[:: -(-len(self) // LOOKED_FOR) or 1]
        return [path for path in tried if not os.path.exists(os.path.join(self.root, path))], len(tried)

    def warnings(self, splits: np.ndarray) -> Iterator[str]:
        """What users should know before a run.

        Args:
            splits: [n] the split of each image.
        """
        missing, tried = self.missing()
        if missing:
            yield (
                f"{printable(self.root)}: {len(missing)} of {counted(tried, 'image')} that were looked for "
                f"{agreeing(len(missing), 'is', 'are')} missing, such as {printable(missing[0])}"
            )
        pairs = set(zip(self.groups.tolist(), splits.tolist(), strict=True))
        torn = sum(count > 1 for count in Counter(group for group, _ in pairs).values())
        if torn:
            yield (
                f"{torn:,} {agreeing(torn, 'person is', 'people are')} in more than one split: "
                "results on test are not only about new people"
            )

    def contents(self, root: Root) -> list[Hashable]:
        """[n] equal for images with the same bytes and the same box. Reads all files that the root holds."""
        names, rows = np.unique(self.paths.astype(str), return_inverse=True)
        paths = [self.root / name for name in names]
        files = [content_of(path) if root.holds(str(path)) else path for path in paths]
        if self.boxes is None:
            return [files[row] for row in rows]
        return [(files[row], *box) for row, box in zip(rows, self.boxes.tolist(), strict=True)]

    def dealt(self, folds: int) -> np.ndarray:
        """[n] int64 folds from 1, to which people, or else clips, are dealt in the order of their names.

        Raises:
            UserError: for more folds than people or clips.
        """
        names, numbers = np.unique(self.groups.astype(str), return_inverse=True)
        if len(names) < folds:
            there = f"there are {len(names)}"
            raise UserError(f"{printable(self.root)}: too few people or clips for {folds} folds", there)
        dealt: np.ndarray = numbers % folds + 1
        return dealt
