"""Helpers of all these data sets: required files, and a val split taken from train."""

from __future__ import annotations

from pathlib import Path

from ssltoolbox.api import DataNotFound, Split
from ssltoolbox.data.splits import split_of
from ssltoolbox.support.paths import printable

VAL_SHARE = 0.1
"""Share of the published training data, where no validation split is published."""


def part_of_train(name: str) -> Split:
    """`train` or `val`: a pure function of the name, of a person where people are known, else of an image.

    >>> part_of_train("Aaron_Eckhart")
    'train'
    """
    return split_of(name, val=VAL_SHARE, test=0.0)


def needed_folder(path: Path, what: str) -> Path:
    """
    Raises:
        DataNotFound: names the missing folder and its expected content.
    """
    if not path.is_dir():
        raise DataNotFound(f"{printable(path)}: there is no such folder", f"it should hold {what}")
    return path


def needed_file(path: Path, what: str) -> Path:
    """
    Raises:
        DataNotFound: names the missing file and its expected content.
    """
    if not path.is_file():
        raise DataNotFound(f"{printable(path)}: there is no such file", f"it should be {what}")
    return path
