"""The cells of a table of images, and its mistakes, with line and column. Memory holds a part of a column."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import compress, islice
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
from xxhash import xxh3_128_digest

from ssltoolbox.api import EXPRESSIONS, DataNotFound, Split, UserError, is_url
from ssltoolbox.data.index.columns import read_columns
from ssltoolbox.data.index.schema import LABELS
from ssltoolbox.data.label_columns import NO_NUMBER, NONE, NOT_LABELS, plain
from ssltoolbox.support.large_arrays import large_array, parts_of
from ssltoolbox.support.paths import ADVICE, NOT_SUPPORTED, printable

NAMES = ("identity", "video", "clip")
COLUMNS = ("path", *NAMES, "frame", "time", *LABELS)
_KNOWN = frozenset({*NOT_LABELS, *LABELS})
"""Columns whose names are known, in any case of letters."""
SPLITS: Mapping[str, Split] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What splits are called in tables and folders."""

_EXPRESSIONS = {
    **{str(number): number for number in range(-1, len(EXPRESSIONS))},
    **{name: number for number, name in enumerate(EXPRESSIONS)},
    **dict.fromkeys(NONE, -1),
}
"""What the cells of the label `expression` mean."""


class Table:
    """A table whose mistakes are reported with row and column."""

    def __init__(
        self,
        file: Path,
        columns: Mapping[str, Collection[Any]],
        lines: Sequence[int] = (),
        *,
        written: bool = False,
    ) -> None:
        """
        Args:
            file: what messages name.
            columns: name → its cells, which are read anew each time that they are asked for; `path` is among them.
            lines: the line of each row; empty where rows have no lines.
            written: whether users or other programs wrote the paths, which may be those of Windows.
        """
        self.file = file
        self._columns, self._lines, self._written = columns, lines, written
        self.names = list(columns)
        self._kept: bytes | None = None

    @classmethod
    def read(cls, file: Path, needed: Sequence[str] = ("path", "identity")) -> Table:
        """The table in a file.

        Raises:
            DataNotFound: where the file is not there.
            UserError: where it can't be read, has no rows, or lacks one of the columns that are needed.
        """
        if not file.is_file():
            raise DataNotFound(f"{file}: there is no such file")
        columns, lines = read_columns(file)
        columns = {_known(name, columns): column for name, column in columns.items()}
        for name in needed:
            if name not in columns:
                raise UserError(
                    f"{file}: there is no column {name}; there are {', '.join(columns)}",
                    f"known columns: {', '.join(COLUMNS)}",
                )
        if not len(columns["path"]):
            raise UserError(f"{file}: there are no rows")
        return cls(file, columns, lines, written=True)

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __len__(self) -> int:
        """The number of rows."""
        return self._kept.count(1) if self._kept else len(self._columns["path"])

    def cells(self, name: str) -> Iterator[Any]:
        """The cells of a column."""
        column = self._columns[name]
        return compress(column, self._kept) if self._kept else iter(column)

    def texts(self, name: str) -> Iterator[str]:
        """The cells of a column; numbers as they are written, and paths with `/` between folders."""
        texts = map(_text, self.cells(name))
        return map(_path, texts) if name == "path" and self._written else texts

    def paths(self, root: Path) -> Iterator[str]:
        """The paths below the root.

        Raises:
            UserError: where one is not below the root.
        """
        home = os.path.join(os.path.abspath(root), "")
        for row, path in enumerate(self.texts("path")):
            if is_url(path):
                self.fail(row, "path", f"{printable(path)!r}: {NOT_SUPPORTED}; {ADVICE}")
            if not path:
                self.fail(row, "path", "the path is empty")
            inside = os.path.normpath(os.path.join(home, path))
            if not inside.startswith(home):
                self.fail(row, "path", f"{printable(path)!r} is not below {printable(root)}")
            yield inside.removeprefix(home) if os.path.isabs(path) or ".." in path else path

    def numbers(self, name: str, *, needed: bool = False) -> np.ndarray:
        """[rows] float64; NaN for an empty cell, unless it is needed."""
        values = large_array(len(self), np.float64)
        for row, cell in enumerate(self.cells(name)):
            empty = plain(_text(cell)) in NO_NUMBER
            try:
                values[row] = math.nan if empty and not needed else float(cell)
            except (TypeError, ValueError):
                self.fail(row, name, "a number is needed" if empty else f"{cell!r} is not a number")
            if needed and not math.isfinite(values[row]):
                self.fail(row, name, f"{cell} is not a valid time")
        return values

    def whole_numbers(self, name: str) -> np.ndarray:
        """[rows] int64."""
        values = large_array(len(self), np.int64)
        for row, cell in enumerate(self.cells(name)):
            try:
                values[row] = _whole(cell)
            except (TypeError, ValueError, OverflowError):
                self.fail(row, name, f"{cell!r} is not a whole number")
        return values

    def label(self, name: str) -> np.ndarray:
        """[rows] of the type that the index keeps it in."""
        values = large_array(len(self), pa.array([], LABELS[name]).to_numpy().dtype)
        for row, cell in enumerate(self.cells(name)):
            try:
                values[row] = label_value(name, cell)
            except ValueError as error:
                self.fail(row, name, str(error))
        return values

    def splits(self, written: Iterable[str]) -> np.ndarray:
        """[rows] of str: train, val or test, of what is written for them."""
        splits = large_array(len(self), "<U5")
        for row, text in enumerate(written):
            split = SPLITS.get(text.strip().lower())
            if split is None:
                self.fail(row, "split", f"{text!r} is not a split: there are train, val and test")
            splits[row] = split
        return splits

    def check_same(self, values: np.ndarray, rows: np.ndarray, name: str) -> None:
        """
        Raises:
            UserError: where the rows of a clip differ in a column.
        """
        other = np.flatnonzero(values != values[0])
        if len(other):
            first, second = sorted((rows[0], rows[other[0]]))
            here, there = (next(islice(self.texts(name), row, None)) for row in (second, first))
            self.fail(second, name, f"{here!r}, but {there!r} in {self.where(first)}, in the same clip")

    def check_not_empty(self, name: str) -> None:
        """
        Raises:
            UserError: where a row has an empty cell in that column.
        """
        for row, text in enumerate(self.texts(name)):
            if not text.strip() or text == "nan":
                self.fail(row, name, f"the {name} is empty")

    def drop_repeated(self, labels: Sequence[str] = ()) -> int:
        """Leaves out rows that repeat an earlier row, and gives their number. To be called once, at first.

        Raises:
            UserError: where two rows give one image different labels.
        """
        labels = labels or [name for name in LABELS if name in self]
        asked = _perhaps_repeated(self.texts("path"), len(self))
        if not len(asked):
            return 0
        kept = bytearray(b"\1") * len(self)
        seen: set[bytes] = set()
        labelled: dict[bytes, tuple[int, tuple[str, ...]]] = {}
        for row, texts in self._rows(asked):
            whole = _digest(texts)
            if whole in seen:
                kept[row] = 0
                continue
            seen.add(whole)
            given = tuple(plain(texts[name]) for name in labels)
            first, before = labelled.setdefault(_digest(texts["path"]), (row, given))
            for name, old, new in zip(labels, before, given, strict=True):
                if old != new:
                    self.fail(row, name, f"{new!r}, but {old!r} in {self.where(first)}, of the same image")
        self._kept = bytes(kept)
        return kept.count(0)

    def _rows(self, rows: np.ndarray) -> Iterator[tuple[int, dict[str, str]]]:
        """Some rows: their numbers, and the texts of their cells by column."""
        chosen = np.zeros(len(self), np.bool_)
        chosen[rows] = True
        texts = zip(*map(self.texts, self.names), strict=True)
        for row, cells in zip(rows.tolist(), compress(texts, chosen.tobytes()), strict=True):
            yield row, dict(zip(self.names, cells, strict=True))

    def check_rising(self, moments: np.ndarray, rows: np.ndarray, name: str) -> None:
        """
        Raises:
            UserError: where two frames of a clip are at the same moment.
        """
        same = np.flatnonzero(np.diff(moments) <= 0)
        if len(same):
            first, second = sorted(rows[same[0] : same[0] + 2])
            self.fail(second, name, f"{moments[same[0]]:g} as in {self.where(first)}, in the same clip")

    def where(self, row: int) -> str:
        """What to call a row in a message."""
        number = int(np.flatnonzero(np.frombuffer(self._kept, np.bool_))[row]) if self._kept else row
        return f"line {self._lines[number]}" if self._lines else f"row {number + 1}"

    def fail(self, row: int, column: str, reason: str) -> NoReturn:
        raise UserError(f"{self.file}: {self.where(row)}, column {column}: {reason}")


def label_value(name: str, cell: Any) -> float:
    """The value that a cell has for one of `LABELS`: the number of an expression, or a number from -1 to 1.

    An empty cell has none: -1 or NaN.

    Raises:
        ValueError: where it means no such value: the reason.
    """
    if name == "expression":
        meaning = _EXPRESSIONS.get(plain(_text(cell)))
        if meaning is None:
            known = f"{', '.join(EXPRESSIONS)}, or their numbers from 0 to {len(EXPRESSIONS) - 1}"
            raise ValueError(f"{_text(cell)!r} is not an expression: there are {known}")
        return meaning
    try:
        number = math.nan if plain(_text(cell)) in NO_NUMBER else float(cell)
    except (TypeError, ValueError):
        raise ValueError(f"{cell!r} is not a number") from None
    if abs(number) > 1:
        raise ValueError(f"{number:g} is not between -1 and 1; leave the cell empty for none")
    return number


def _known(name: str, names: Collection[str]) -> str:
    """The name of a column; a known one in lower case, unless another column has that name."""
    lower = name.strip().lower()
    return lower if lower in _KNOWN and lower not in names else name


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell)


def _path(text: str) -> str:
    """The path, without `./` before it.

    >>> _path("./a\\\\b.png")
    'a/b.png'
    """
    path = text.replace("\\", "/")
    return path.removeprefix("./") or path


def _digest(value: object) -> bytes:
    return xxh3_128_digest(repr(value).encode())


def _perhaps_repeated(texts: Iterable[str], rows: int) -> np.ndarray:
    """[n] the rows whose text another row may have too, by its hash: a large table has few of them."""
    hashes, ordered = large_array(rows, np.int64), large_array(rows, np.int64)
    each = map(hash, texts)
    for part in parts_of(rows):
        hashes[part] = ordered[part] = np.fromiter(each, np.int64, part.stop - part.start)
    ordered.sort()
    neighbours = ((ordered[part], ordered[part.start + 1 : part.stop + 1]) for part in parts_of(rows))
    repeated = np.unique(
        np.concatenate([one[: len(next)][one[: len(next)] == next] for one, next in neighbours])
    )
    if not len(repeated):
        return repeated
    asked = (part.start + np.flatnonzero(np.isin(hashes[part], repeated)) for part in parts_of(rows))
    return np.concatenate([*asked])


def _whole(cell: Any) -> int:
    """The whole number in a cell; `1.0` is one.

    Raises:
        TypeError, ValueError, OverflowError: for anything else.
    """
    number = float(cell)
    if not number.is_integer():
        raise ValueError(cell)
    return int(number) if isinstance(cell, float) or "." in str(cell) or "e" in str(cell) else int(cell)
