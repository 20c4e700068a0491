"""What labelled images there are: how many of each split and class, and a contact sheet by class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from ssltoolbox.api import Split, UnreadableFrame, UserError
from ssltoolbox.data.images.source import StoredFrame
from ssltoolbox.data.index.sheet import FRAMES, TILE, spread_evenly, write_rows
from ssltoolbox.data.label_columns import Label
from ssltoolbox.data.labelled.base import LabelledImagesOptions
from ssltoolbox.data.labelled.dataset import read_face
from ssltoolbox.data.labelled.images import LabelledImages
from ssltoolbox.support.paths import Root

SPLITS: tuple[Split, ...] = get_args(Split)
NONE = "(none)"
"""What stands for images without the label."""


@dataclass(frozen=True)
class Overview:
    """Counts of labelled images.

    Attributes:
        splits: split → how many `images`, `clips` and `identities`.
        labels: label → class, or column of yes and no, → split → images; a number's classes are "known".
    """

    splits: dict[str, dict[str, int]]
    labels: dict[str, dict[str, dict[str, int]]]


def overview_of(options: LabelledImagesOptions) -> Overview:
    """Counts images; none is opened.

    Raises:
        DataNotFound, UserError: see `LabelledImagesOptions.list_images`.
    """
    found = {split: options.listing(split) for split in SPLITS}
    names = options.images().labels
    return Overview(
        {split: _sizes(images) for split, images in found.items()},
        {
            name: _counts(label, {split: images.labels[name].values for split, images in found.items()})
            for name, label in names.items()
        },
    )


def _sizes(images: LabelledImages) -> dict[str, int]:
    return {
        "images": len(images),
        "clips": len(images.starts),
        "identities": len(np.unique(images.identities)),
    }


def _counts(label: Label, values: dict[Split, np.ndarray]) -> dict[str, dict[str, int]]:
    return {
        name: {split: int(_has(label, name, of).sum()) for split, of in values.items()}
        for name in (*(label.names or ("known",)), NONE)
    }


def _has(label: Label, name: str, values: np.ndarray) -> np.ndarray:
    """[n] bool: which values are of that class, or have yes in that column."""
    known = np.isfinite(values) if values.dtype.kind == "f" else values >= 0
    some: np.ndarray = known if known.ndim == 1 else np.any(known, axis=1)
    if name == NONE:
        return ~some
    if not label.names:
        return some
    number = label.names.index(name)
    has: np.ndarray = values[:, number] == 1 if values.ndim > 1 else values == number
    return has


def write_class_sheet(options: LabelledImagesOptions, name: str, output: Path) -> None:
    """Writes a PNG with a line of images for each class of a label, evenly spread over its images.

    Args:
        options: the data.
        name: the label; empty for the first that has classes.
        output: the PNG.

    Raises:
        UserError: where there is no such label, or none with classes.
        SslToolboxError: where it can't be written.
    """
    images = options.images()
    with_classes = [each for each, label in images.labels.items() if label.names]
    if not with_classes or (name and name not in with_classes):
        there = f"there are {', '.join(with_classes)}" if with_classes else "there is none with classes"
        raise UserError(f"no label {name!r} to show" if name else "no label to show", there)
    label = images.labels[name or with_classes[0]]
    write_rows(_rows(images, label), FRAMES, output)


def _rows(images: LabelledImages, label: Label) -> Iterator[tuple[str, list[StoredFrame]]]:
    for name in label.names:
        rows = np.flatnonzero(_has(label, name, label.values))
        chosen = rows[spread_evenly(len(rows), FRAMES)] if len(rows) else rows
        yield f"{name}  {len(rows):,} images", [_stored(images, int(row)) for row in chosen]


def _stored(images: LabelledImages, row: int) -> StoredFrame:
    try:
        return StoredFrame(read_face(images, Root(images.root), row, TILE))
    except UnreadableFrame as error:
        return StoredFrame(None, reason=str(error))
