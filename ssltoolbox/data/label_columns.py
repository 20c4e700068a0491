"""Label columns of a table: what their cells mean, as the numbers that datasets give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NoReturn, Protocol

import numpy as np

from ssltoolbox.api import EXPRESSIONS, LabelFacts
from ssltoolbox.data.label_options import LabelColumn, WrittenLabel, as_options
from ssltoolbox.support.large_arrays import large_array

NOT_LABELS = (
    "path", "split", "identity", "video", "clip", "frame", "time", "fold", "left", "top", "width", "height",
)  # fmt: skip
"""Columns that say where an image is and whose it is."""
MOST_CLASSES = 256
"""A column with more texts than this holds no classes."""
NO_NUMBER = ("", "nan", "none", "null", "na", "n/a", "#n/a", "<na>")
"""Cells that mean: no number. R, Excel and pandas write some of them."""
NONE = (*NO_NUMBER, "-1")
"""Cells that mean: no label."""
_ROW_NUMBERS = re.compile(r"|Unnamed: \d+|__index_level_\d+__")
"""Names of the columns of row numbers that pandas and R write."""
_YES, _NO = ("1", "true", "yes"), ("0", "false", "no")


@dataclass(frozen=True, eq=False)
class Label:
    """A label of all rows.

    Attributes:
        values: [n] int64 classes with -1 for none, [n] float32 numbers with NaN for none, or [n, C] of either,
            int64 with 1 for yes, 0 for no and -1 for unknown.
        names: of the classes, or of the C columns; empty for numbers.
    """

    values: np.ndarray
    names: tuple[str, ...] = ()

    def at(self, rows: np.ndarray) -> Label:
        """The label of some rows: their numbers, or a mask."""
        return Label(self.values[rows], self.names)

    def facts(self) -> LabelFacts:
        """How many rows have it, and each class or column; the range of numbers."""
        values = self.values
        of_classes, classes = values.dtype.kind == "i", len(self.names)
        known = values >= 0 if of_classes else np.isfinite(values)
        columns = values.shape[1] if values.ndim > 1 else 0
        frames = int((known.any(axis=1) if columns else known).sum())
        if not of_classes:
            lowest, highest = (
                (float(values[known].min()), float(values[known].max())) if frames else (None, None)
            )
            return LabelFacts(frames, lowest=lowest, highest=highest, columns=columns)
        counts = (values == 1).sum(axis=0) if columns else np.bincount(values[known], minlength=classes)
        return LabelFacts(frames, tuple(counts.tolist()), columns=columns)


class Cells(Protocol):
    """A table's cells, and how its mistakes are reported."""

    names: list[str]

    def __len__(self) -> int:
        """The number of rows."""
        ...

    def texts(self, name: str) -> Iterator[str]:
        """The cells of a column, one for each row."""
        ...

    def fail(self, row: int, column: str, reason: str) -> NoReturn:
        """
        Raises:
            UserError: naming file, line and column.
        """
        ...


def plain(cell: str) -> str:
    """A label's text without spaces and capitals, and a whole number without its `.0`."""
    text = cell.strip().lower()
    return text.removesuffix(".0") if text.removesuffix(".0").lstrip("-").isdigit() else text


def labels_of(
    table: Cells, written: Mapping[str, WrittenLabel] | None = None, but: Sequence[str] = NOT_LABELS
) -> dict[str, Label]:
    """The labels of a table: those that are written, and each other column that can hold one.

    Args:
        table: its cells.
        written: name → what it is.
        but: columns that are no labels.

    Raises:
        UserError: where a cell does not mean what its column holds: which line and column, and why.
    """
    options = {name: as_options(what) for name, what in (written or {}).items()}
    used = {column for name, what in options.items() for column in what.columns or [name]}
    labels = {name: _label(table, name, what) for name, what in options.items()}
    for name in table.names:
        if name not in (*but, *used, *labels) and not _ROW_NUMBERS.fullmatch(name):
            guessed = _guessed(table, name)
            if guessed is not None:
                labels[name] = guessed
    return labels


def missing_columns(table: Cells, written: Mapping[str, WrittenLabel]) -> Iterator[str]:
    """Columns that the written labels name and the table lacks."""
    for name, what in written.items():
        for column in as_options(what).columns or [name]:
            if column not in table.names:
                yield column


def _label(table: Cells, name: str, options: LabelColumn) -> Label:
    columns = options.columns or [name]
    none = (*NONE, *map(plain, options.missing))
    if options.is_binary:
        values = [_binary(table, column, options.at_least, none) for column in columns]
        return Label(_side_by_side(values), tuple(columns))
    if options.kind == "number":
        numbers = [_numbers(table, column, tuple(map(plain, options.missing))) for column in columns]
        return Label(_side_by_side(numbers), tuple(columns)) if len(columns) > 1 else Label(numbers[0])
    return _classes(table, columns[0], options.classes, none)


def _side_by_side(columns: Sequence[np.ndarray]) -> np.ndarray:
    """[n, C]"""
    values = large_array((len(columns[0]), len(columns)), columns[0].dtype)
    for number, column in enumerate(columns):
        values[:, number] = column
    return values


def _guessed(table: Cells, name: str) -> Label | None:
    """Numbers where cells are fractions or many, else classes; None for a column of too many texts."""
    if name in ("valence", "arousal") or _are_numbers(_given(table, name, NONE)):
        return Label(_numbers(table, name, ()))
    if next(islice(_different(_given(table, name, NONE)), MOST_CLASSES, None), None) is not None:
        return None
    return _classes(table, name, [], NONE)


def _given(table: Cells, name: str, none: Sequence[str]) -> Iterator[str]:
    """The texts of a column that mean something."""
    return (text for text in map(plain, table.texts(name)) if text not in none)


def _different(texts: Iterable[str]) -> Iterator[str]:
    """The different texts, in the order they come in."""
    seen: set[str] = set()
    for text in texts:
        if text not in seen:
            seen.add(text)
            yield text


def _are_numbers(texts: Iterable[str]) -> bool:
    """Whether all are numbers, and either some are no whole ones from -1 on or they are too many for classes."""
    different: set[str] = set()
    found = False
    try:
        for text in texts:
            number = float(text)
            if not found:
                different.add(text)
                found = not number.is_integer() or number < -1 or len(different) > MOST_CLASSES
    except ValueError:
        return False
    return found


def _classes(
    table: Cells, name: str, classes: Sequence[str] | Mapping[str | int, str], none: Sequence[str]
) -> Label:
    """The class of each row, by the names of the classes if they are given, else by the cells."""
    given = [] if classes else list(_different(_given(table, name, none)))
    names, meanings = _meanings(name, given, classes)
    meanings = dict.fromkeys(none, -1) | meanings
    numbers = large_array(len(table), np.int64)
    for row, cell in enumerate(table.texts(name)):
        number = meanings.get(plain(cell))
        if number is None:
            table.fail(row, name, f"{cell!r} is not a class: there are {', '.join(names)}")
        numbers[row] = number
    return Label(numbers, names)


def _meanings(
    name: str, given: Sequence[str], classes: Sequence[str] | Mapping[str | int, str]
) -> tuple[tuple[str, ...], dict[str, int]]:
    """The names of the classes, and what number each text means."""
    if isinstance(classes, Mapping):
        names = tuple(dict.fromkeys(classes.values()))
        return names, {plain(str(cell)): names.index(class_) for cell, class_ in classes.items()}
    numbers: Sequence[str] = ()
    if classes:
        names = tuple(classes)
        numbers = [str(number) for number in range(len(names))]
    elif name == "expression" and set(given) <= {*EXPRESSIONS, *map(str, range(len(EXPRESSIONS)))}:
        names = EXPRESSIONS
        numbers = [str(number) for number in range(len(names))]
    elif all(text.removeprefix("-").isdigit() for text in given):
        names = tuple(sorted(given, key=int))
    else:
        names = tuple(given)
    by_number = {number: int(number) for number in numbers}
    return names, by_number | {plain(text): number for number, text in enumerate(names)}


def _numbers(table: Cells, name: str, none: Sequence[str]) -> np.ndarray:
    """[rows] float32, NaN for none; -1 is a number."""
    values = large_array(len(table), np.float32)
    values[:] = np.nan
    for row, cell in enumerate(table.texts(name)):
        if plain(cell) in (*NO_NUMBER, *none):
            continue
        try:
            values[row] = float(cell)
        except ValueError:
            table.fail(row, name, f"{cell!r} is not a number")
    return values


def _binary(table: Cells, name: str, at_least: float, none: Sequence[str]) -> np.ndarray:
    """[rows] int64: 1 for yes, 0 for no, -1 for unknown."""
    values = large_array(len(table), np.int64)
    values[:] = -1
    for row, cell in enumerate(table.texts(name)):
        text = plain(cell)
        if text in none:
            continue
        if text in _YES[1:] or text in _NO[1:]:
            values[row] = int(text in _YES)
        else:
            try:
                values[row] = int(float(text) >= at_least)
            except ValueError:
                table.fail(
                    row, name, f"{cell!r} is neither yes nor no: write 1 or 0, or leave the cell empty"
                )
    return values
