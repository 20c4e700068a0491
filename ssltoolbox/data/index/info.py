"""Counts of an index."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle, islice

import numpy as np

from ssltoolbox.api import Clip, LabelFacts
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.schema import SKIPPED, Header
from ssltoolbox.data.label_columns import Label
from ssltoolbox.support.words import counted

TRIES = 64
"""Least anchors of a clip that are tried before the clip counts as too short for a strategy."""


@dataclass(frozen=True)
class IndexInfo:
    """
    Attributes:
        identities, videos, clips, frames, skipped: their numbers; skipped files are not in the index.
        seconds: total duration of the clips, from first to last frame.
        fps: frames per second, by the median time from one frame to the next.
        shortest, median, longest: frames of a clip.
        smallest, largest: width and height of images in pixels.
        detector: name of the landmark detector; None without landmarks.
        faceless: frames without landmarks; None if the index has none.
        labels: name → number of frames that have the label.
        stored: encoding of a packed index, number of tar files, or "files".
        classes: name → class, or column, → frames that have it.
        splits: split → clips, where the index has splits of its own.
    """

    identities: int
    videos: int
    clips: int
    frames: int
    skipped: int
    seconds: float
    fps: float
    shortest: int
    median: float
    longest: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    detector: str | None
    faceless: int | None
    labels: dict[str, int]
    stored: str
    classes: dict[str, dict[str, int]] = field(default_factory=dict)
    splits: dict[str, int] = field(default_factory=dict)


def index_info(index: FrameIndex) -> IndexInfo:
    """Counts an index; no image is opened.

    Raises:
        UserError: where its landmarks can't be used.
    """
    gaps = np.delete(np.diff(index.times), index.starts[1:] - 1)
    lasts = index.starts + index.lengths - 1
    areas = index.widths.astype(np.int64) * index.heights
    extremes = [(int(index.widths[at]), int(index.heights[at])) for at in (areas.argmin(), areas.argmax())]
    landmarks = index.landmarks
    labels = label_facts(index, np.arange(len(index.lengths)))
    return IndexInfo(
        identities=len(index.identity_names),
        videos=index.videos,
        clips=len(index.lengths),
        frames=len(index),
        skipped=_skipped(index),
        seconds=float((index.times[lasts] - index.times[index.starts]).sum()),
        fps=1 / float(np.median(gaps)) if len(gaps) else index.header.fps,
        shortest=int(index.lengths.min()),
        median=float(np.median(index.lengths)),
        longest=int(index.lengths.max()),
        smallest=extremes[0],
        largest=extremes[1],
        detector=landmarks.detector if landmarks else None,
        faceless=int((~landmarks.valid).sum()) if landmarks else None,
        labels={name: known.frames for name, known in labels.items()},
        stored=_stored(index.header),
        classes={
            name: dict(zip(names, labels[name].counts, strict=True))
            for name, names in index.classes.items()
            if labels[name].counts
        },
        splits={} if index.splits is None else dict(Counter(index.splits.tolist())),
    )


def _stored(header: Header) -> str:
    if header.packed:
        return f"{header.packed.encoding}, {header.packed.size} pixels"
    return counted(len(header.tars), "tar file") if header.tars else "files"


def _skipped(index: FrameIndex) -> int:
    path = index.path / SKIPPED
    if not path.is_file():
        return 0
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def label_facts(index: FrameIndex, clips: np.ndarray) -> dict[str, LabelFacts]:
    """The facts of the labels of some clips, by name.

    Args:
        index: an index.
        clips: [clips] their numbers.
    """
    chosen = np.zeros(len(index.lengths), bool)
    chosen[clips] = True
    rows = np.repeat(chosen, index.lengths)
    return {
        name: Label(values[rows], index.classes.get(name, ())).facts()
        for name, values in index.labels.items()
    }


Answers = Callable[[Clip, int, np.random.Generator], bool]
"""Whether a strategy has an answer for an anchor of a clip."""


def clips_long_enough(index: FrameIndex, answers: Answers) -> int:
    """The number of clips with an anchor for which a strategy has an answer.

    Clips with the same times are checked once.

    Args:
        index: an index.
        answers: asks the strategy.
    """
    known: dict[bytes, bool] = {}
    enough = 0
    every_time = index.times  # each look at a column checks the files
    for number, (start, length) in enumerate(zip(index.starts, index.lengths, strict=True)):
        times = every_time[start : start + length]
        key = times.tobytes()
        if key not in known:
            clip = Clip(number, int(index.identities[number]), times, index.clip_name(number))
            known[key] = _has_answer(clip, answers)
        enough += known[key]
    return enough


def _has_answer(clip: Clip, answers: Answers) -> bool:
    """Tries both ends of the clip first: strategies that need distant frames find them there."""
    rng = np.random.default_rng(0)
    anchors = [0, len(clip) - 1, *range(1, len(clip) - 1)]
    tries = islice(cycle(anchors), max(TRIES, len(clip)))
    return any(answers(clip, anchor, rng) for anchor in tries)
