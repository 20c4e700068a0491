"""Loads draws as batches, on the loader's workers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch.utils.data import Dataset as TorchDataset

from ssltoolbox.api import Batch, Dataset, Frames, SslToolboxError
from ssltoolbox.data.drawing.draws import Draw, Drawer
from ssltoolbox.data.drawing.reading import read_frames
from ssltoolbox.data.drawing.sampler import DrawNumber

MOST_REDRAWS = 16
"""How often a draw is repeated because of unreadable images before the run fails."""


class DrawnBatches(TorchDataset[Batch]):
    """Loads the draws of a micro-batch as a `Batch`; all images are read in one call.

    A draw with an unreadable image is repeated on the same clip; each such image is counted and named.
    """

    def __init__(self, dataset: Dataset, drawer: Drawer) -> None:
        self.dataset = dataset
        self.drawer = drawer

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitems__(self, numbers: Sequence[DrawNumber]) -> Batch:
        draws = [self.drawer.draw(*number) for number in numbers]
        frames = self._read(draws)
        images, landmarks, labels = frames.images, frames.landmarks, dict(frames.labels)
        notes = list(frames.unreadable.values())
        read = len(images)
        missing = _missing_draws(frames, len(draws[0].frames))
        for again in range(1, MOST_REDRAWS + 1):
            if not missing:
                break
            for index in missing:
                draws[index] = self.drawer.draw(*numbers[index], again=again)
            patch = self._read([draws[index] for index in missing])
            rows = _rows(missing, len(draws[0].frames))
            images[rows], landmarks[rows] = patch.images, patch.landmarks
            for name, values in patch.labels.items():
                labels[name][rows] = values
            notes += patch.unreadable.values()
            read += len(rows)
            missing = [missing[index] for index in _missing_draws(patch, len(draws[0].frames))]
        if missing:
            raise SslToolboxError(f"{MOST_REDRAWS} samples in a row had unreadable images, last {notes[-1]}")
        counts = {
            "frames_read": read,
            "frames_unreadable": len(notes),
            "anchors_refused": sum(draw.anchors_refused for draw in draws),
            "clips_refused": sum(draw.clips_refused for draw in draws),
        }
        return self._batch(draws, Frames(images, landmarks, labels), counts, tuple(notes))

    def _read(self, draws: Sequence[Draw]) -> Frames:
        clips = [clip for draw in draws for clip in draw.clips]
        return read_frames(self.dataset, clips, [frame for draw in draws for frame in draw.frames])

    def _batch(
        self, draws: Sequence[Draw], frames: Frames, counts: dict[str, int], notes: tuple[str, ...]
    ) -> Batch:
        shape = (len(draws), len(draws[0].frames))
        return Batch(
            frames=frames.images.unflatten(0, shape),
            landmarks=frames.landmarks.unflatten(0, shape),
            draw=torch.tensor([draw.id for draw in draws]),
            clip=torch.tensor([draw.clips for draw in draws]),
            identity=torch.tensor([draw.identities for draw in draws]),
            time=torch.tensor([draw.times for draw in draws], dtype=torch.float64),
            labels={name: values.unflatten(0, shape) for name, values in frames.labels.items()},
            found=_found(draws),
            counts=counts,
            notes=notes,
            sides=2 if self.drawer.with_positives else 1,
        )


def _found(draws: Sequence[Draw]) -> dict[str, torch.Tensor]:
    """Name → [N, R] the results of picks; NaN for a pick without a result of that name."""
    names = sorted({name for draw in draws for found in draw.found for name in found})
    return {
        name: torch.tensor([[found.get(name, math.nan) for found in draw.found] for draw in draws])
        for name in names
    }


def _missing_draws(frames: Frames, roles: int) -> list[int]:
    return sorted({position // roles for position in frames.unreadable})


def _rows(draws: Sequence[int], roles: int) -> torch.Tensor:
    return torch.tensor([draw * roles + role for draw in draws for role in range(roles)])
