"""The task `identity`: how well do the features identify people?

A linear model learns to classify people on the earlier half of each person's clips, and is tested on the later
half. A single clip is divided by time: its first two fifths for training, its last two for testing, with a gap in
between. If two trained networks are equally good at the main task, the one with the lower accuracy depends less
on identity. The accuracy of an untrained network is low because its features contain little information, so it is
no baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ssltoolbox.api import Features, Split, UserError
from ssltoolbox.tasks.intervals import accuracy_interval
from ssltoolbox.tasks.metrics import accuracy
from ssltoolbox.tasks.options import IdentityOptions
from ssltoolbox.tasks.probes import REGULARISERS, logistic, vote
from ssltoolbox.tasks.samples import Samples, usable
from ssltoolbox.tasks.selection import Probe, ProbeResult, S, best, by_protocol

SHARE_OF_CLIP = 0.4
"""Share of a single clip's time for training, at its beginning, and for testing, at its end."""


@dataclass(frozen=True, eq=False)
class Halves:
    """The people of one split.

    Attributes:
        early: frames for training.
        late: frames for testing; the same identities as in `early`.
        left_out: identities with too few frames for both.
    """

    early: Samples
    late: Samples
    left_out: int

    @property
    def identities(self) -> int:
        """The number of people."""
        return len(np.unique(self.early.targets))


class Identity:
    """Accuracy of classifying the people of the test split, by a probe whose setting is chosen on val."""

    def __init__(self, options: IdentityOptions) -> None:
        self.options = options

    def evaluate(self, features: Mapping[Split, Features]) -> dict[str, dict[str, Any]]:
        """`{"identity": …}` with these keys, shares in 0 to 1:

        - `accuracy`; `accuracy_ci`: its interval [low, high] over people, and `resamples`; `chance`: what a guess
          among them gets right
        - `protocol`; `regulariser` or `k` as chosen, and `val`, the score on the val split by which it was; `knn`:
          those of the neighbours, with a linear probe
        - `identities`: their number; `left_out`: those with too few frames; `frames`: `early` and `late` ones

        Raises:
            UserError: for features from which no metric can be computed, and for fewer than two identities.
        """
        val, test = (_halves(features, split) for split in ("val", "test"))
        metrics, _ = by_protocol(
            self.options.protocol,
            lambda: _outcome(logistic, val, test, REGULARISERS),
            lambda: _outcome(vote, val, test, self.options.k),
            partial(_measure, test.late.targets),
        )
        metrics["chance"] = 1 / test.identities
        metrics["identities"] = test.identities
        metrics["left_out"] = test.left_out
        metrics["frames"] = {"early": len(test.early), "late": len(test.late)}
        return {"identity": metrics}


def _outcome(probe: Probe[S], val: Halves, test: Halves, settings: tuple[S, ...]) -> ProbeResult:
    """Chooses a setting on the people of val, then trains and predicts on the people of test."""
    setting, reached = best(probe(val.early, val.late.values, settings), val.late.targets, accuracy)
    return ProbeResult(setting, reached, probe(test.early, test.late.values, (setting,))[setting])


def _measure(truth: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    return {"accuracy": accuracy(truth, predicted), **accuracy_interval(truth == predicted, identity=truth)}


def _halves(features: Mapping[Split, Features], split: Split) -> Halves:
    found = usable(features, split, "identity")
    early, late = np.zeros(len(found), bool), np.zeros(len(found), bool)
    identities = np.unique(found.identity)
    left_out = 0
    for identity in identities:
        own = np.flatnonzero(found.identity == identity)
        first, last = _early_and_late(found.clip[own], found.time[own])
        if first.any() and last.any():
            early[own[first]] = True
            late[own[last]] = True
        else:
            left_out += 1
    if len(identities) - left_out < 2:
        raise UserError(_too_few(split, identities, left_out))
    return Halves(Samples.of(found, found.identity, early), Samples.of(found, found.identity, late), left_out)


def _early_and_late(clip: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Masks of one person's frames for training and for testing; empty if all frames have the same time."""
    clips = np.unique(clip)
    if len(clips) > 1:
        first = np.isin(clip, clips[: (len(clips) + 1) // 2])
        return first, ~first
    start, end = time.min(), time.max()
    if start == end:
        nothing = np.zeros(len(time), bool)
        return nothing, nothing
    share = SHARE_OF_CLIP * (end - start)
    return time <= start + share, time >= end - share


def _too_few(split: Split, identities: np.ndarray, left_out: int) -> str:
    if len(identities) == 1:
        return f"identity: the {split} split has a single identity ({identities[0]}); telling apart takes two"
    return (
        f"identity: {left_out} of the {len(identities)} identities of the {split} split have a single frame; "
        "telling apart takes two identities with two frames each"
    )
