"""Lists the images and pairs of LFW, without opening an image."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from ssltoolbox.api import DataNotFound, Split, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.data.images.naming import in_natural_order
from ssltoolbox.data.images.tree import is_image
from ssltoolbox.data.index.csv_format import encoding_of
from ssltoolbox.data.splits import part_of_train
from ssltoolbox.support.paths import needed_file, needed_folder, printable

LISTS = {"train": "pairsDevTrain.txt", "val": "pairsDevTrain.txt", "test": "pairs.txt"}
COLUMNS = ("name", "name1", "person", "person1")
"""First words of files that name their columns."""
OTHER_TYPES = (".png", ".jpeg", ".JPG", ".PNG")
"""Suffixes of images, where none is `.jpg`."""
_SEPARATORS = re.compile(r"[\s,;]+")
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
        """The person in each image."""
        return [os.path.dirname(image) for image in self.images]


def list_lfw(root: Path, split: Split) -> Listing:
    """The images and pairs of a split.

    Raises:
        DataNotFound: names the missing part and its expected path.
        UserError: where the list can't be used; with its line.
    """
    needed_folder(root, "pairs.txt, pairsDevTrain.txt and a folder for each person")
    file = needed_file(root / LISTS[split], "a list of pairs of LFW")
    pairs = read_pairs(file)
    if not pairs:
        raise UserError(f"{printable(file)}: there are no pairs")
    folder = _people(root, os.path.dirname(in_natural_order(_named(pairs))[0]))
    pairs = _as_the_files_end(pairs, folder)
    named = in_natural_order(_named(pairs))
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


def _named(pairs: Sequence[ListedPair]) -> set[str]:
    return {image for pair in pairs for image in (pair.first, pair.second)}


def _as_the_files_end(pairs: list[ListedPair], folder: Path) -> list[ListedPair]:
    """The pairs with the type that the images have: lists don't have it, and some copies are PNG."""
    images = sorted(_named(pairs))
    if any((folder / image).is_file() for image in images):
        return pairs
    stems = [os.path.splitext(image)[0] for image in images]
    end = next((end for end in OTHER_TYPES for stem in stems if (folder / f"{stem}{end}").is_file()), ".jpg")

    def renamed(image: str) -> str:
        return os.path.splitext(image)[0] + end

    return [replace(pair, first=renamed(pair.first), second=renamed(pair.second)) for pair in pairs]


def read_pairs(file: Path) -> list[ListedPair]:
    """The pairs of `pairs.txt` or of a file of its form: folds of n pairs of one person, then n pairs of two.

    Words are separated by spaces, tabs, commas or semicolons. The first line may be missing, or name columns: then
    a fold ends where pairs of two people are followed by pairs of one.

    Raises:
        UserError: with the line.
    """
    try:
        text = file.read_text(encoding=encoding_of(file))
    except UnicodeError as error:
        raise UserError(f"{printable(file)}: {first_line(error)}", "UTF-8 and UTF-16 are read") from error
    lines = [(number, _words(line)) for number, line in enumerate(text.splitlines(), 1) if _words(line)]
    promised = _promised(file, lines[0][1] if lines else [])
    if promised is None:
        pairs = [_pair(file, number, words, 0) for number, words in lines if words[0] not in COLUMNS]
        return _in_folds(pairs)
    each, count = promised
    if len(lines) - 1 != 2 * each * count or not each * count:
        raise UserError(
            f"{printable(file)}: its first line promises {2 * each * count} pairs, there are {len(lines) - 1}"
        )
    return [
        _pair(file, number, words, position // (2 * each))
        for position, (number, words) in enumerate(lines[1:])
    ]


def _words(line: str) -> list[str]:
    return [word for word in _SEPARATORS.split(line) if word]


def _promised(file: Path, words: Sequence[str]) -> tuple[int, int] | None:
    """Pairs of each sort in a fold, and folds, as the first line says; None where it does not.

    Raises:
        UserError: where the line is neither that, nor a pair, nor the names of columns.
    """
    if len(words) in (1, 2) and all(word.isdigit() for word in words):
        *folds, each = map(int, words)
        return each, folds[0] if folds else 1
    if len(words) in (3, 4):
        return None
    raise UserError(
        f"{printable(file)}:1: the number of pairs is expected, and before it that of the folds, if any"
    )


def _in_folds(pairs: Sequence[ListedPair]) -> list[ListedPair]:
    runs = [list(run) for _, run in groupby(pairs, key=lambda pair: pair.same)]
    return [replace(pair, fold=number // 2) for number, run in enumerate(runs) for pair in run]


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
