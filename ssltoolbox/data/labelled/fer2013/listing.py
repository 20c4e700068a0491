"""Lists the images of FER2013, from a CSV file or folders, without reading a pixel."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ssltoolbox.api import EXPRESSIONS, DataNotFound, Split, UserError
from ssltoolbox.api.suggest import did_you_mean
from ssltoolbox.data.images.naming import in_natural_order
from ssltoolbox.data.images.tree import is_image
from ssltoolbox.data.label_columns import Label
from ssltoolbox.data.labelled.csv_rows import CsvRows
from ssltoolbox.data.labelled.repeated import content_of
from ssltoolbox.data.splits import part_of_train
from ssltoolbox.support.paths import needed_folder, printable

FILES = ("fer2013.csv", "icml_face_data.csv")
USAGE = {"train": "Training", "val": "PublicTest", "test": "PrivateTest"}
CLASSES = ("anger", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The classes in the order of their numbers in the CSV file, with names from `EXPRESSIONS`."""
VAL_FOLDERS = ("val", "valid", "validation")
FOLDERS = {name: name for name in CLASSES} | {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "happiness": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}


@dataclass(frozen=True, eq=False)
class CsvImages:
    """Images of the CSV file.

    Attributes:
        rows: the file.
        starts: [n] the byte at which the line of each image begins.
        labels: the expression of the n images.
    """

    rows: CsvRows
    starts: np.ndarray
    labels: Mapping[str, Label]

    def __len__(self) -> int:
        return len(self.starts)

    def where(self, chosen: np.ndarray) -> CsvImages:
        """The images for which `chosen` [n] is True."""
        labels = {name: label.at(chosen) for name, label in self.labels.items()}
        return CsvImages(self.rows, self.starts[chosen], labels)

    def contents(self) -> list[Hashable]:
        """[n] the pixels of each image, shortened to a digest."""
        texts = (self.rows.row(start).get("pixels", "") for start in self.starts.tolist())
        return [hashlib.blake2b(text.encode()).digest() for text in texts]


@dataclass(frozen=True, eq=False)
class FolderImages:
    """Images in folders.

    Attributes:
        folder: `train` or `test`.
        images: [n] paths below it.
        labels: the expression of the n images.
    """

    folder: Path
    images: Sequence[str]
    labels: Mapping[str, Label]

    def __len__(self) -> int:
        return len(self.images)

    def where(self, chosen: np.ndarray) -> FolderImages:
        """The images for which `chosen` [n] is True."""
        labels = {name: label.at(chosen) for name, label in self.labels.items()}
        return FolderImages(self.folder, [*compress(self.images, chosen)], labels)

    def contents(self) -> list[Hashable]:
        """[n] equal for files with the same bytes."""
        return [content_of(self.folder / image) for image in self.images]


def list_fer2013(root: Path, split: Split) -> CsvImages | FolderImages:
    """The images of a split.

    Raises:
        DataNotFound: names the missing part and its expected path.
        UserError: where it can't be used, or a split is empty.
    """
    needed_folder(root, "FER2013")
    file = next((root / name for name in FILES if (root / name).is_file()), None)
    if file:
        listed: CsvImages | FolderImages = _from_csv(file, split)
    elif (root / "train").is_dir() or (root / "test").is_dir():
        listed = _from_folders(root, split)
    else:
        raise DataNotFound(
            f"{printable(root)}: FER2013 is not here",
            f"it should hold {' or '.join(FILES)}, or the folders train and test",
        )
    if not len(listed):
        raise UserError(f"{printable(file or root)}: there are no images for the {split} split")
    return listed


def _from_csv(file: Path, split: Split) -> CsvImages:
    rows = CsvRows(file, ("emotion", "Usage", "pixels"))
    emotions, usages = rows.columns("emotion", "Usage")
    emotions, usages = emotions.astype(str), usages.astype(str)
    starts = rows.line_starts(len(emotions))
    known = np.isin(emotions, [str(number) for number in range(len(CLASSES))])
    if not known.all():
        row = int(np.flatnonzero(~known)[0])
        raise UserError(
            f"{printable(file)}: row {row + 1} has the emotion {str(emotions[row])!r}",
            "emotions are numbers from 0 to 6",
        )
    own = np.char.lower(usages) == USAGE[split].lower()
    order = np.array([EXPRESSIONS.index(name) for name in CLASSES])
    return CsvImages(rows, starts[own], _labels(order[emotions[own].astype(int)]))


def _from_folders(root: Path, split: Split) -> FolderImages:
    own_val = next((root / name for name in VAL_FOLDERS if (root / name).is_dir()), None)
    part = split != "test" and own_val is None
    folder = own_val if own_val and split == "val" else root / ("test" if split == "test" else "train")
    needed_folder(folder, "a folder for each expression")
    found = [
        (f"{name}/{image}", EXPRESSIONS.index(_expression(folder / name)))
        for name in in_natural_order(entry.name for entry in folder.iterdir() if entry.is_dir())
        for image in in_natural_order(filter(is_image, os.listdir(folder / name)))
        if not part or part_of_train(image) == split
    ]
    return FolderImages(folder, [path for path, _ in found], _labels([number for _, number in found]))


def _labels(numbers: ArrayLike) -> dict[str, Label]:
    """Numbered as in `EXPRESSIONS`, whose last one, contempt, the set has not."""
    return {"expression": Label(np.asarray(numbers, np.int64), EXPRESSIONS[: len(CLASSES)])}


def _expression(folder: Path) -> str:
    name = folder.name.lower()
    if name not in FOLDERS:
        hint = did_you_mean(name, FOLDERS) or f"the folders are {', '.join(sorted(FOLDERS))}"
        raise UserError(f"{printable(folder)}: no expression is called that", hint)
    return FOLDERS[name]
