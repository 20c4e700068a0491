"""Which images and pairs LFW has; no image is opened."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssltoolbox.api import DataNotFound, Split, UserError
from ssltoolbox.data.images.naming import in_natural_order
from ssltoolbox.data.images.tree import is_image
from ssltoolbox.data.labelled.places import needed_file, needed_folder, part_of_train
from ssltoolbox.support.paths import printable

LISTS = {"train": "pairsDevTrain.txt", "val": "pairsDevTrain.txt", "test": "pairs.txt"}
FOLDERS = ("lfw", "lfw_funneled", "lfw-deepfunneled")


@dataclass(frozen=True)
class ListedPair:
    """Two images, `<name>/<name>_0001.jpg` each, and the fold that they are in."""

    first: str
    second: str
    fold: int

    @property
    def same(self) -> bool:
        """Whether they show one person."""
        return os.path.dirname(self.first) == os.path.dirname(self.second)


@dataclass(frozen=True)
class Listing:
    """A split.

    Attributes:
        folder: holds the people's folders.
        images: paths below it.
        pairs: of these images.
    """

    folder: Path
    images: Sequence[str]
    pairs: Sequence[ListedPair]

    @property
    def people(self) -> list[str]:
        """Who is in each image."""
        return [os.path.dirname(image) for image in self.images]


def list_lfw(root: Path, split: Split) -> Listing:
    """The images and pairs of a split.

    Raises:
        DataNotFound: where a part is not there: what, and where it should be.
        UserError: where the list can't be used; with its line.
    """
    needed_folder(root, "pairs.txt, pairsDevTrain.txt and a folder for each person")
    file = needed_file(root / LISTS[split], "a list of pairs of LFW")
    pairs = read_pairs(file)
    named = in_natural_order({image for pair in pairs for image in (pair.first, pair.second)})
    folder = _people(root, os.path.dirname(named[0]))
    if split == "test":
        missing = [image for image in named if not (folder / image).is_file()]
        if missing:
            raise DataNotFound(
                f"{printable(folder)}: {len(missing)} of {len(named)} images that {file.name} names are not "
                f"there, such as {printable(missing[0])}"
            )
        return Listing(folder, named, pairs)
    people = [
        name for name in {os.path.dirname(image): None for image in named} if part_of_train(name) == split
    ]
    images = [f"{name}/{image}" for name in people for image in _images(folder / name)]
    if not images:
        raise UserError(f"{printable(file)}: there are no people for the {split} split")
    there = set(images)
    return Listing(folder, images, [pair for pair in pairs if {pair.first, pair.second} <= there])


def read_pairs(file: Path) -> list[ListedPair]:
    """The pairs of `pairs.txt` or of a file of its form: folds of n pairs of one person, then n pairs of two.

    Raises:
        UserError: with the line.
    """
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    try:
        *folds, each = map(int, lines[0])
        (count,) = folds or [1]
    except (ValueError, IndexError) as error:
        raise UserError(
            f"{printable(file)}:1: the number of pairs is expected, and before it that of the folds, if any"
        ) from error
    expected = 2 * each * count
    if len(lines) - 1 != expected or not expected:
        raise UserError(
            f"{printable(file)}: its first line promises {expected} pairs, there are {len(lines) - 1}"
        )
    return [_pair(file, number, line, (number - 2) // (2 * each)) for number, line in enumerate(lines[1:], 2)]


def _pair(file: Path, number: int, words: list[str], fold: int) -> ListedPair:
    try:
        if len(words) == 3:
            name, first, second = words
            return ListedPair(_image(name, first), _image(name, second), fold)
        name, first, other, second = words
        return ListedPair(_image(name, first), _image(other, second), fold)
    except ValueError as error:
        raise UserError(
            f"{printable(file)}:{number}: 'name number number' or 'name number name number' is expected, not "
            f"{printable(' '.join(words))!r}"
        ) from error


def _image(name: str, number: str) -> str:
    if "/" in name or name.startswith("."):
        raise ValueError(name)
    return f"{name}/{name}_{int(number):04d}.jpg"


def _people(root: Path, person: str) -> Path:
    """The folder with the people's folders."""
    for folder in (root, *(root / name for name in FOLDERS)):
        if (folder / person).is_dir():
            return folder
    raise DataNotFound(
        f"{printable(root)}: there is no folder {printable(person)}",
        f"the people's folders should lie here, or in {', '.join(FOLDERS)}",
    )


def _images(folder: Path) -> list[str]:
    return in_natural_order(filter(is_image, os.listdir(needed_folder(folder, "images of this person"))))
