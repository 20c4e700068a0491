"""Synthetic, deterministic test data: faces, clips, batches, rows and features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ssltoolbox.api import EXPRESSIONS, Batch, Clip, Features, Frames, Rows, Split
from ssltoolbox.data.drawing.catalogue import SplitCatalogue

SIZE = 48
"""Height and width of the images in pixels."""
SPLITS: tuple[Split, ...] = ("train", "val", "test")


@cache
def face_shape() -> np.ndarray:
    """[68, 2] the iBUG landmarks of a plain face in the unit square."""
    jaw = _arc((0.5, 0.45), (0.34, 0.45), np.linspace(-np.pi, 0, 17))
    brows = [_arc((x, 0.32), (0.11, 0.05), np.linspace(np.pi, 0, 5)) for x in (0.33, 0.67)]
    bridge = np.stack([np.full(4, 0.5), np.linspace(0.38, 0.56, 4)], axis=1)
    nostrils = _arc((0.5, 0.6), (0.08, 0.03), np.linspace(-np.pi, 0, 5))
    eyes = [_arc((x, 0.4), (0.08, 0.04), _round_trip(6)) for x in (0.33, 0.67)]
    mouth = [_arc((0.5, 0.75), radii, _round_trip(n)) for radii, n in (((0.14, 0.07), 12), ((0.1, 0.03), 8))]
    return np.concatenate([jaw, *brows, bridge, nostrils, *eyes, *mouth])


def images(count: int, size: int = SIZE, seed: int = 0) -> Tensor:
    """[count, 3, size, size] uint8 smooth patterns, all different."""
    coarse = torch.rand(count, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    return (255 * F.interpolate(coarse, (size, size), mode="bilinear")).to(torch.uint8)


def landmarks(count: int, size: int = SIZE, seed: int = 0) -> Tensor:
    """[count, 68, 2] float32 pixels of faces that differ a little in position and shape."""
    rng = np.random.default_rng(seed)
    moved = face_shape() + rng.normal(0, 0.01, (count, 1, 2)) + rng.normal(0, 0.003, (count, 68, 2))
    return torch.from_numpy((size * (0.1 + 0.8 * moved)).astype(np.float32))


def batch(
    draws: int = 4,
    hard: int = 1,
    known: bool = True,
    seed: int = 0,
    found: Iterable[str] = (),
    labels: Mapping[str, Tensor] | None = None,
    sides: int = 2,
) -> Batch:
    """A batch of draws, each of a different person and with `hard` hard negatives.

    Args:
        draws: N.
        hard: K.
        known: False for a batch without landmarks; all are NaN then.
        seed: of the pixels.
        found: names of the numbers that picks found.
        labels: name → [N·R] labels; expressions if none are given.
        sides: 2, or 1 for a batch without positives.
    """
    shape = (draws, sides * (1 + hard))
    if labels is None:
        labels = {"expression": torch.arange(draws * shape[1]) % len(EXPRESSIONS)}
    points = landmarks(draws * shape[1], seed=seed)
    ids = torch.arange(draws)
    return Batch(
        frames=images(draws * shape[1], seed=seed).unflatten(0, shape),
        landmarks=(points if known else torch.full_like(points, torch.nan)).unflatten(0, shape),
        draw=ids,
        clip=(ids + 10)[:, None].repeat(1, shape[1]),
        identity=(ids + 20)[:, None].repeat(1, shape[1]),
        time=torch.arange(shape[1], dtype=torch.float64).expand(shape).clone(),
        labels={name: values.unflatten(0, shape) for name, values in labels.items()},
        found={name: _found(shape) for name in found},
        counts={"frames_read": draws * shape[1]},
        sides=sides,
    )


def _found(shape: tuple[int, int]) -> Tensor:
    """[N, R] numbers for the positives; NaN for the other roles, for which nothing is picked."""
    values = torch.arange(shape[0] * shape[1], dtype=torch.float32).view(shape) / 10
    values[:, : shape[1] // 2] = torch.nan
    return values


class MadeUpClips:
    """Long, short and irregular clips of some people. Some have landmarks, some have none, some have NaN.

    See `ssltoolbox.api.LabelledDataset`; their images are not to be read.
    """

    size = SIZE

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        times = [
            np.arange(300) * 0.24,
            np.arange(400) / 25,
            np.cumsum(rng.uniform(0.05, 0.5, 200)),
            np.array([0.0, 0.24]),
            np.array([3.0]),
            np.arange(110) * 0.24,
        ]
        people = (7, 8, 9, 7, 8, 9)
        loaders = [_points, None, _no_points, _points, None, _points]
        self._clips = [
            Clip(index, person, moments, f"clip {index}", loader and loader(len(moments)))
            for index, (person, moments, loader) in enumerate(zip(people, times, loaders, strict=True))
        ]

    def __len__(self) -> int:
        return len(self._clips)

    def clip(self, index: int) -> Clip:
        return self._clips[index]

    def labels(self, index: int) -> Mapping[str, np.ndarray]:
        return {"expression": np.arange(len(self._clips[index])) % len(EXPRESSIONS)}

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        raise NotImplementedError


def clips(least: int = 1) -> list[Clip]:
    """The made-up clips that are long enough, as picks see them: each with the catalogue of all clips."""
    catalogue = SplitCatalogue(MadeUpClips())
    every = [catalogue.clip(index) for index in range(len(catalogue))]
    return [clip for clip in every if len(clip) >= least]


def rows(
    draws: int,
    hard: int,
    descriptor: Tensor,
    labels: Mapping[str, Tensor] | None = None,
    sides: int = 2,
) -> Rows:
    """The rows of a step, 2M for two sides, with these descriptors and labels; expressions if none are given."""
    draw = torch.arange(draws).repeat(sides * (1 + hard))
    time = torch.arange(len(draw), dtype=torch.float64)
    if labels is None:
        labels = {"expression": torch.arange(len(draw)) % len(EXPRESSIONS)}
    side = torch.arange(sides).repeat_interleave(draws * (1 + hard))
    return Rows(draw, draw + 10, draw + 20, time, descriptor, labels, side=side)


def features(more: Iterable[str] = (), frames: int = 240, dim: int = 12) -> dict[Split, Features]:
    """Features that predict labels and people, though not perfectly.

    Args:
        more: labels of two classes beside expression, valence and arousal.
        frames: of each split.
        dim: of the features.
    """
    others = sorted({*more} - {"expression", "valence", "arousal"})
    return {split: _features(others, frames, dim, seed) for seed, split in enumerate(SPLITS)}


def _features(more: Sequence[str], frames: int, dim: int, seed: int) -> Features:
    meaning = np.random.default_rng(99).normal(size=(len(EXPRESSIONS) + 2 + 12 + len(more), dim))
    rng = np.random.default_rng(seed)
    clip = np.arange(frames) // 10
    identity = clip // 2
    expression = rng.integers(len(EXPRESSIONS), size=frames)
    affect = rng.uniform(-1, 1, (frames, 2)).astype(np.float32)
    others = {name: rng.integers(2, size=frames) for name in more}
    told: list[np.ndarray] = [
        np.eye(8)[expression],
        affect,
        np.eye(12)[identity % 12],
        *(v[:, None] for v in others.values()),
    ]
    known = np.concatenate(told, axis=1)
    return Features(
        values=(known @ meaning + rng.normal(0, 0.7, (frames, dim))).astype(np.float32),
        clip=clip,
        identity=identity,
        time=(np.arange(frames) % 10) * 0.24,
        labels={"expression": expression, "valence": affect[:, 0], "arousal": affect[:, 1], **others},
    )


def _points(frames: int) -> Callable[[], np.ndarray]:
    return lambda: landmarks(frames).numpy()


def _no_points(frames: int) -> Callable[[], np.ndarray]:
    return lambda: np.full((frames, 68, 2), np.nan, np.float32)


def _arc(centre: Sequence[float], radii: Sequence[float], angles: np.ndarray) -> np.ndarray:
    """[n, 2] points of an ellipse; angles turn against the clock from the right, as seen."""
    return np.stack([centre[0] + radii[0] * np.cos(angles), centre[1] - radii[1] * np.sin(angles)], axis=1)


def _round_trip(points: int) -> np.ndarray:
    """[points] angles from the left, over the top."""
    return np.pi - 2 * np.pi * np.arange(points) / points
