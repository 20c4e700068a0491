"""Reads frames of any dataset, and checks that it gave what its contract says."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ssltoolbox.api import Dataset, Frames, SslToolboxError, UnreadableFrame
from ssltoolbox.support.words import described


def read_frames(dataset: Dataset, clips: Sequence[int], frames: Sequence[int]) -> Frames:
    """The frames with these numbers, in this order.

    When the dataset raises `UnreadableFrame` for several frames, they are read one by one.

    Raises:
        UnreadableFrame: when the dataset raises it for every frame.
        SslToolboxError: when the dataset gives something else than images [B, 3, S, S] uint8, landmarks [B, 68, 2]
            and labels of B frames.
    """
    try:
        found = dataset.read(clips, frames)
    except UnreadableFrame:
        if len(clips) == 1:
            raise
        return _one_by_one(dataset, clips, frames)
    where = f"{type(dataset).__name__}.read"
    if not isinstance(found, Frames):
        raise SslToolboxError(f"{where} gave {described(found)}, not Frames")
    count, size = len(clips), dataset.size
    _check(where, "images", found.images, (count, 3, size, size), torch.uint8)
    _check(where, "landmarks", found.landmarks, (count, 68, 2), torch.float32)
    for name, values in found.labels.items():
        if not isinstance(values, Tensor) or len(values) != count:
            raise SslToolboxError(
                f"{where} gave {described(values)} as label {name!r}, not a tensor of {count} values"
            )
    return found


def _one_by_one(dataset: Dataset, clips: Sequence[int], frames: Sequence[int]) -> Frames:
    """The frames; those for which the dataset raises `UnreadableFrame` are in `unreadable`, without labels."""
    found: dict[int, Frames] = {}
    unreadable: dict[int, str] = {}
    for position, (clip, frame) in enumerate(zip(clips, frames, strict=True)):
        try:
            found[position] = read_frames(dataset, [clip], [frame])
        except UnreadableFrame as error:
            unreadable[position] = str(error)
            last = error
        else:
            if found[position].unreadable:
                unreadable[position] = found[position].unreadable[0]
    if not found:
        raise last
    some = next(iter(found.values()))
    empty = Frames(
        torch.zeros_like(some.images),
        torch.full_like(some.landmarks, torch.nan),
        {
            name: torch.full_like(values, torch.nan if values.is_floating_point() else -1)
            for name, values in some.labels.items()
        },
    )
    all_ = [found.get(position, empty) for position in range(len(clips))]
    return Frames(
        torch.cat([one.images for one in all_]),
        torch.cat([one.landmarks for one in all_]),
        {name: torch.cat([one.labels[name] for one in all_]) for name in some.labels},
        dict(sorted(unreadable.items())),
    )


def _check(where: str, what: str, found: object, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if not isinstance(found, Tensor) or (found.shape, found.dtype) != (shape, dtype):
        raise SslToolboxError(f"{where} gave {described(found)} as {what}, not {dtype} {list(shape)}")
