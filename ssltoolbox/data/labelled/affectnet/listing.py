"""Lists the images of AffectNet, in either release, without opening an image."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ssltoolbox.api import EXPRESSIONS, DataNotFound, Split, UserError, is_url
from ssltoolbox.data.images.naming import in_natural_order
from ssltoolbox.data.images.tree import is_image
from ssltoolbox.data.label_columns import Label
from ssltoolbox.data.labelled.csv_rows import CsvRows
from ssltoolbox.data.splits import part_of_train
from ssltoolbox.support.paths import ADVICE, NOT_SUPPORTED, needed_file, needed_folder, printable

LISTS = "Manually_Annotated_file_lists"
IMAGES = "Manually_Annotated_Images"
COLUMNS = (
    "subDirectory_filePath",
    "face_x",
    "face_y",
    "face_width",
    "face_height",
    "facial_landmarks",
    "expression",
    "valence",
    "arousal",
)
"""The columns of the lists. Some copies of validation.csv have no line with their names."""

AFFECT = ("valence", "arousal")
UNKNOWN = -2.0
"""The lists' value for an unknown valence or arousal."""
KEPT = [str(number) for number in range(9)]
"""The eight expressions, and 8, none of them. 9 and 10, uncertain and no face, have nothing to learn from."""


@dataclass(frozen=True, eq=False)
class ListedRows:
    """Images of the release with lists.

    Attributes:
        images: the folder that paths are below.
        rows: the list.
        paths: [n] below the folder.
        kept: [rows] bool, which rows of the list these are.
        labels: name → label of the n images.
    """

    images: Path
    rows: CsvRows
    paths: Sequence[str]
    kept: np.ndarray
    labels: Mapping[str, Label]

    def __len__(self) -> int:
        return len(self.paths)

    def starts(self) -> np.ndarray:
        """[n] the byte at which the line of each image begins.

        Raises:
            UserError: where a row is more than one line.
        """
        return self.rows.line_starts(len(self.kept))[self.kept]


@dataclass(frozen=True, eq=False)
class ListedFolder:
    """Images of the release with a folder of annotations. Their labels are in a file each, and not known here.

    Attributes:
        folder: `train_set` or `val_set`.
        images: [n] the files' names.
        labels: none.
    """

    folder: Path
    images: Sequence[str]
    labels: Mapping[str, Label] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)


def list_affectnet(root: Path, split: Split) -> ListedRows | ListedFolder:
    """The images of a split.

    Raises:
        DataNotFound: names the missing part and its expected path.
        UserError: where a list can't be used, or a split is empty.
    """
    needed_folder(root, "a release of AffectNet")
    if (root / LISTS).is_dir():
        listed: ListedRows | ListedFolder = _from_lists(root, split)
    elif (root / "train_set").is_dir() or (root / "val_set").is_dir():
        listed = _from_folder(root, split)
    else:
        raise DataNotFound(
            f"{printable(root)}: no release of AffectNet is here",
            f"one has {LISTS}/training.csv and {IMAGES}, the other one train_set/images and train_set/annotations",
        )
    if not len(listed):
        raise UserError(f"{printable(root)}: there are no images for the {split} split")
    return listed


def _from_lists(root: Path, split: Split) -> ListedRows:
    name = "validation.csv" if split == "test" else "training.csv"
    images = needed_folder(root / IMAGES, "the images, <number>/<hash>.jpg")
    file = needed_file(root / LISTS / name, "the list of images with their annotations")
    rows = CsvRows(file, COLUMNS, without_header=COLUMNS)
    paths, expressions, *affect = rows.columns("subDirectory_filePath", "expression", "valence", "arousal")
    urls = [path for path in paths if is_url(path)]
    if urls:
        raise UserError(f"{printable(file)}: {urls[0]}: {NOT_SUPPORTED}", ADVICE)
    kept = np.isin(expressions.astype(str), KEPT)
    if split != "test":
        kept[kept] = [part_of_train(path) == split for path in paths[kept]]
    classes = np.array([expression_of(int(number)) for number in expressions[kept]], np.int64)
    labels = {"expression": Label(classes, EXPRESSIONS)}
    labels |= {name: Label(_numbers(each[kept])) for name, each in zip(AFFECT, affect, strict=True)}
    return ListedRows(images, rows, paths[kept].tolist(), kept, labels)


def expression_of(number: int) -> int:
    """The number in `EXPRESSIONS`; -1 for a class that is none of them."""
    return number if 0 <= number < len(EXPRESSIONS) else -1


def affect_of(number: float) -> float:
    """A valence or an arousal; NaN where it is unknown."""
    return math.nan if number == UNKNOWN else number


def _numbers(cells: np.ndarray) -> np.ndarray:
    """[n] float32; NaN also for a cell that is not a number, whose image can't be read."""
    values = np.full(len(cells), np.nan, np.float32)
    for row, cell in enumerate(cells):
        with suppress(ValueError):
            values[row] = affect_of(float(cell))
    return values


def _from_folder(root: Path, split: Split) -> ListedFolder:
    folder = root / ("val_set" if split == "test" else "train_set")
    images = needed_folder(folder / "images", "the images, <number>.jpg")
    needed_folder(folder / "annotations", "the annotations, <number>_exp.npy and others")
    names = in_natural_order(name for name in os.listdir(images) if is_image(name))
    return ListedFolder(folder, [name for name in names if split == "test" or part_of_train(name) == split])
