"""What plugins are tried on: faces, clips, batches, rows and features, made from nothing and always the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ssltoolbox.api import EXPRESSIONS, Batch, Clip, Features, Rows, Split

SIZE = 48
"""Height and width of the images in pixels."""


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
    """[count, 3, size, size] uint8 smooth patterns, each another one."""
    coarse = torch.rand(count, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    return (255 * F.interpolate(coarse, (size, size), mode="bilinear")).to(torch.uint8)


def landmarks(count: int, size: int = SIZE, seed: int = 0) -> Tensor:
    """[count, 68, 2] float32 pixels of faces that differ a little in place and shape."""
    rng = np.random.default_rng(seed)
    moved = face_shape() + rng.normal(0, 0.01, (count, 1, 2)) + rng.normal(0, 0.003, (count, 68, 2))
    return torch.from_numpy((size * (0.1 + 0.8 * moved)).astype(np.float32))


def batch(draws: int = 4, hard: int = 1, known: bool = True, seed: int = 0) -> Batch:
    """Draws of as many people, each with `hard` hard negatives; all landmarks NaN unless `known`."""
    shape = (draws, 2 * (1 + hard))
    points = landmarks(draws * shape[1], seed=seed)
    ids = torch.arange(draws)
    return Batch(
        frames=images(draws * shape[1], seed=seed).unflatten(0, shape),
        landmarks=(points if known else torch.full_like(points, torch.nan)).unflatten(0, shape),
        draw=ids,
        clip=(ids + 10)[:, None].repeat(1, shape[1]),
        identity=(ids + 20)[:, None].repeat(1, shape[1]),
        time=torch.arange(shape[1], dtype=torch.float64).expand(shape).clone(),
        labels={"expression": torch.arange(draws * shape[1]).view(shape) % len(EXPRESSIONS)},
        counts={"frames_read": draws * shape[1]},
    )


def clips(least: int = 1) -> list[Clip]:
    """Long, short and irregular clips of at least so many frames; with, without and with unknown landmarks."""
    rng = np.random.default_rng(0)
    times = [
        np.arange(300) * 0.24,
        np.arange(400) / 25,
        np.cumsum(rng.uniform(0.05, 0.5, 200)),
        np.array([0.0, 0.24]),
        np.array([3.0]),
    ]
    loaders = [_points, None, _no_points, _points, None]
    return [
        Clip(index, 7 + index, moments, f"clip {index}", loader and loader(len(moments)))
        for index, (moments, loader) in enumerate(zip(times, loaders, strict=True))
        if len(moments) >= least
    ]


def rows(draws: int, hard: int, descriptor: Tensor) -> Rows:
    """2M rows as in a step, with these descriptors [2M, F]."""
    draw = torch.arange(draws).repeat(2 * (1 + hard))
    time = torch.arange(len(draw), dtype=torch.float64)
    labels = {"expression": torch.arange(len(draw)) % len(EXPRESSIONS)}
    return Rows(draw, draw + 10, draw + 20, time, descriptor, labels)


def features(frames: int = 240, dim: int = 12) -> dict[Split, Features]:
    """Features from which the labels and the people can be told, though not perfectly."""
    splits: tuple[Split, ...] = ("train", "val", "test")
    return {split: _features(frames, dim, seed) for seed, split in enumerate(splits)}


def _features(frames: int, dim: int, seed: int) -> Features:
    meaning = np.random.default_rng(99).normal(size=(len(EXPRESSIONS) + 2 + 12, dim))
    rng = np.random.default_rng(seed)
    clip = np.arange(frames) // 10
    identity = clip // 2
    expression = rng.integers(len(EXPRESSIONS), size=frames)
    affect = rng.uniform(-1, 1, (frames, 2)).astype(np.float32)
    known = np.concatenate([np.eye(8)[expression], affect, np.eye(12)[identity % 12]], axis=1)
    return Features(
        values=(known @ meaning + rng.normal(0, 0.7, (frames, dim))).astype(np.float32),
        clip=clip,
        identity=identity,
        time=(np.arange(frames) % 10) * 0.24,
        labels={"expression": expression, "valence": affect[:, 0], "arousal": affect[:, 1]},
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
