"""Overview of labelled images: counts for each split and class, and a contact sheet by class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssltoolbox.api import DataFacts, DatasetOptions, Split, UnreadableFrame, UserError
from ssltoolbox.api.errors import and_of
from ssltoolbox.data.images.source import StoredFrame
from ssltoolbox.data.index.sheet import FRAMES, TILE, spread_evenly, write_rows
from ssltoolbox.data.labelled.base import LabelledImagesOptions
from ssltoolbox.data.labelled.dataset import read_face
from ssltoolbox.data.labelled.images import LabelledImages
from ssltoolbox.data.labelled.repeated import ORDER, CountsCopies
from ssltoolbox.support.paths import Root
from ssltoolbox.support.words import counted

NONE = "(none)"
"""The class of images without the label."""


@dataclass(frozen=True)
class Overview:
    """Counts of labelled images.

    Attributes:
        splits: split → how many `images`, `clips` and `identities`, and `copies` of earlier images if they were
            looked for.
        labels: label → class, or column of yes and no, → split → images; a number's classes are "known".
        notes: what is not used, and what the data warns of.
    """

    splits: dict[str, dict[str, int]]
    labels: dict[str, dict[str, dict[str, int]]]
    notes: list[str]


def overview_of(options: DatasetOptions, copies: bool = False) -> Overview:
    """Counts images, and the labels that are known without opening images.

    Args:
        options: the data.
        copies: also count the images that are copies of earlier ones, which reads all files.

    Raises:
        DataNotFound, UserError: where the data is not there or can't be used.
    """
    facts = {split: options.facts(split) for split in ORDER}
    more = {split: {"copies": number} for split, number in _copies(options).items()} if copies else {}
    unused = [counted(number, thing) for thing, number in facts["train"].left_out.items()]
    return Overview(
        {
            split: {"images": found.frames, "clips": found.clips, "identities": found.identities}
            | more.get(split, {})
            for split, found in facts.items()
        },
        {name: _counts(name, facts) for name in facts["train"].label_facts},
        [*([f"not used: {and_of(unused)}"] if unused else []), *facts["train"].warnings],
    )


def _copies(options: DatasetOptions) -> dict[Split, int]:
    if not isinstance(options, CountsCopies):
        raise UserError("copies can't be counted in this data", "leave out --copies")
    return options.copies()


def _counts(label: str, facts: Mapping[Split, DataFacts]) -> dict[str, dict[str, int]]:
    """Class or column → split → images; NONE has those without the label."""
    by_split = {}
    for split, found in facts.items():
        known = found.label_facts[label]
        named = dict(zip(found.classes[label], known.counts, strict=True)) if known.counts else {}
        by_split[split] = (named or {"known": known.frames}) | {NONE: found.frames - known.frames}
    return {name: {split: counts[name] for split, counts in by_split.items()} for name in by_split["train"]}


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
    with_classes = [
        name for name, label in images.labels.items() if label.names and label.values.dtype.kind == "i"
    ]
    if not with_classes or (name and name not in with_classes):
        there = f"there are {', '.join(with_classes)}" if with_classes else "there is none with classes"
        raise UserError(f"no label {name!r} to show" if name else "no label to show", there)
    name = name or with_classes[0]
    write_rows(_rows(images, name, Root(images.root, options.follow_links)), FRAMES, output)


def _rows(images: LabelledImages, name: str, root: Root) -> Iterator[tuple[str, list[StoredFrame]]]:
    """Title and images of each class of a label."""
    label = images.labels[name]
    for number, class_ in enumerate(label.names):
        shows = label.values == number if label.values.ndim == 1 else label.values[:, number] == 1
        rows = np.flatnonzero(shows)
        chosen = rows[spread_evenly(len(rows), FRAMES)] if len(rows) else rows
        title = f"{name}: {class_}  {counted(len(rows), 'image')}"
        yield title, [_stored(images, int(row), root) for row in chosen]


def _stored(images: LabelledImages, row: int, root: Root) -> StoredFrame:
    try:
        return StoredFrame(read_face(images, root, row, TILE))
    except UnreadableFrame as error:
        return StoredFrame(None, reason=str(error))
