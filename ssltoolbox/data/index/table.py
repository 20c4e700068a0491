"""What clips there are to index, from a CSV or Parquet file with a row for each frame."""

from __future__ import annotations

import csv
import math
import os
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from ssltoolbox.api import EXPRESSIONS, DataNotFound, Split, UserError, is_url
from ssltoolbox.api.errors import first_line
from ssltoolbox.data.images.naming import frame_numbers, frame_times, in_natural_order, number_times
from ssltoolbox.data.index.csv_format import READ, delimiter_of, encoding_of
from ssltoolbox.data.index.listing import ListedClip
from ssltoolbox.data.index.schema import LABELS
from ssltoolbox.data.label_columns import NOT_LABELS, labels_of, plain
from ssltoolbox.data.label_options import WrittenLabel, as_options
from ssltoolbox.support.paths import ADVICE, NOT_SUPPORTED, printable

TYPES = (".csv", ".parquet")
_NAMES = ("identity", "video", "clip")
SPLITS: Mapping[str, Split] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What splits are called in tables and folders."""
COLUMNS = ("path", *_NAMES, "frame", "time", *LABELS)


@dataclass(frozen=True)
class ListedTable:
    """
    Attributes:
        clips: sorted by identity, video and clip in natural order.
        unused: columns that mean nothing here.
        repeated: how many rows repeat an earlier row; they are left out.
        classes: label → the names of its classes or columns.
    """

    clips: list[ListedClip]
    unused: list[str]
    repeated: int = 0
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def list_table(
    file: Path, root: Path, fps: float, written: Mapping[str, WrittenLabel] | None = None
) -> ListedTable:
    """The clips that a table names.

    Columns: `path` (of the image, below the root) and `identity` are needed. `video` may be missing, and for
    `clip` stands the image's folder. `time` is in seconds; else `frame` gives the order and the time at `fps`,
    else the images' names do. `expression` is a name or number of `EXPRESSIONS`, `valence` and `arousal` are
    numbers; empty cells and -1 for an expression mean none. `split` says train, val or test. Each other column is
    a label of one's own: see `labels_of`.

    Args:
        file: CSV with a line of names, separated by commas, semicolons or tabs, in UTF-8 or UTF-16; or Parquet.
        root: the folder that paths are below.
        fps: frames per second where frames are numbered without gaps.
        written: name of a label → its description; the others follow from the cells.

    Raises:
        DataNotFound: where the file is not there.
        UserError: where it can't be used: which row and column, and why.
    """
    table = Table.read(file)
    written = written or {}
    repeated = table.drop_repeated()
    paths = table.paths(root)
    labels = {name: table.label(name) for name in LABELS if name in table and name not in written}
    own = labels_of(table, written, but=(*NOT_LABELS, *LABELS, *_NAMES))
    labels |= {name: label.values for name, label in own.items()}
    splits = table.splits(table.texts("split")) if "split" in table else np.full(len(paths), "", object)
    times = table.numbers("time", needed=True) if "time" in table else None
    frames = table.whole_numbers("frame") if "frame" in table else None
    table.check_not_empty("identity")
    names = [table.texts(name) if name in table else np.full(len(paths), "") for name in _NAMES]
    if "clip" not in table:
        names[-1] = _folders(paths)
    ranks = [_ranks(column) for column in names]
    within = next((order for order in (times, frames) if order is not None), None)
    order = np.lexsort([*([] if within is None else [within]), *reversed(ranks)])
    clips = []
    for rows in _runs(order, ranks):
        if within is None:
            rows = rows[np.argsort(_ranks(paths[rows]), kind="stable")]
        listed = [paths[row] for row in rows]
        files = [os.path.basename(path) for path in listed]
        if within is not None:
            table.check_rising(within[rows], rows, "frame" if times is None else "time")
        numbers = frames[rows] if frames is not None else np.array(_numbers(files))
        if times is not None:
            moments = times[rows]
        else:
            moments = number_times(numbers.tolist(), fps) if frames is not None else frame_times(files, fps)
        identity, video, clip = (str(column[rows[0]]) for column in names)
        chosen = {name: values[rows] for name, values in labels.items()}
        table.check_same(splits[rows], rows, "split")
        split = splits[rows[0]]
        clips.append(ListedClip(identity, video, clip, listed, numbers, moments, labels=chosen, split=split))
    used = {column for what in written.values() for column in as_options(what).columns}
    unused = [name for name in table.names if name not in {*COLUMNS, "split", *labels, *used}]
    classes = {name: label.names for name, label in own.items() if label.names}
    return ListedTable(clips, unused, repeated, classes)


def _folders(paths: np.ndarray) -> np.ndarray:
    """[rows] the folder of each path; rows of one folder share its string."""
    known: dict[str, str] = {}
    return np.array([known.setdefault(f, f) for f in map(os.path.dirname, paths)], dtype=object)


def _ranks(values: np.ndarray) -> np.ndarray:
    """[rows] the position of each value among all in natural order."""
    unique, codes = np.unique(values.astype(object), return_inverse=True)
    positions = {value: position for position, value in enumerate(in_natural_order(unique))}
    return np.array([positions[value] for value in unique], dtype=np.int64)[codes]


def _runs(order: np.ndarray, ranks: list[np.ndarray]) -> Iterator[np.ndarray]:
    """The rows of each clip: runs of sorted rows that agree in all ranks."""
    changes = np.any([np.diff(rank[order]) != 0 for rank in ranks], axis=0)
    yield from np.split(order, np.flatnonzero(changes) + 1)


def _numbers(files: list[str]) -> list[int]:
    return frame_numbers(files) or list(range(len(files)))


class Table:
    """A table whose mistakes are reported with row and column."""

    def __init__(self, file: Path, columns: Mapping[str, list[Any]], lines: Sequence[int] = ()) -> None:
        """
        Args:
            file: what messages name.
            columns: name → its cells; `path` is among them.
            lines: the line of each row; empty where rows have no lines.
        """
        self.file = file
        self._columns, self._lines = dict(columns), lines
        self.names = list(columns)
        self._numbers: Sequence[int] = range(len(columns["path"]))

    @classmethod
    def read(cls, file: Path, needed: Sequence[str] = ("path", "identity")) -> Table:
        """The table in a file.

        Raises:
            DataNotFound: where the file is not there.
            UserError: where it can't be read, has no rows, or lacks one of the columns that are needed.
        """
        if not file.is_file():
            raise DataNotFound(f"{file}: there is no such file")
        columns, lines = _read_csv(file) if file.suffix.lower() == ".csv" else _read_parquet(file)
        for name in needed:
            if name not in columns:
                raise UserError(
                    f"{file}: there is no column {name}; there are {', '.join(columns)}",
                    f"known columns: {', '.join(COLUMNS)}",
                )
        if not columns["path"]:
            raise UserError(f"{file}: there are no rows")
        return cls(file, columns, lines)

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def texts(self, name: str) -> np.ndarray:
        """[rows] of str; numbers as they are written."""
        return np.array([_text(cell) for cell in self._columns[name]], dtype=object)

    def paths(self, root: Path) -> np.ndarray:
        """[rows] paths below the root."""
        paths = self.texts("path")
        home = os.path.join(os.path.abspath(root), "")
        for row, path in enumerate(paths):
            if is_url(path):
                self.fail(row, "path", f"{printable(path)!r}: {NOT_SUPPORTED}; {ADVICE}")
            inside = os.path.normpath(os.path.join(home, path))
            if not inside.startswith(home):
                self.fail(row, "path", f"{printable(path)!r} is not below {printable(root)}")
            if os.path.isabs(path) or ".." in path:
                paths[row] = inside.removeprefix(home)
        return paths

    def numbers(self, name: str, *, needed: bool = False) -> np.ndarray:
        """[rows] float64; NaN for an empty cell, unless it is needed."""
        values = np.empty(len(self._columns[name]))
        for row, cell in enumerate(self._columns[name]):
            empty = cell is None or cell == ""
            try:
                values[row] = math.nan if empty and not needed else float(cell)
            except (TypeError, ValueError):
                self.fail(row, name, "a number is needed" if empty else f"{cell!r} is no number")
            if needed and not math.isfinite(values[row]):
                self.fail(row, name, f"{cell} is no moment in time")
        return values

    def whole_numbers(self, name: str) -> np.ndarray:
        """[rows] int64."""
        values = np.empty(len(self._columns[name]), dtype=np.int64)
        for row, cell in enumerate(self._columns[name]):
            try:
                values[row] = _whole(cell)
            except (TypeError, ValueError, OverflowError):
                self.fail(row, name, f"{cell!r} is no whole number")
        return values

    def label(self, name: str) -> np.ndarray:
        """[rows] of the type that the index keeps it in."""
        if name != "expression":
            return pa.array(self._in_range(name), LABELS[name]).to_numpy()
        meanings = {str(number): number for number in range(-1, len(EXPRESSIONS))}
        meanings |= {text: number for number, text in enumerate(EXPRESSIONS)} | {"": -1, "nan": -1}
        values = np.empty(len(self._columns[name]), dtype=np.int64)
        for row, cell in enumerate(self.texts(name)):
            meaning = meanings.get(plain(cell))
            if meaning is None:
                known = f"{', '.join(EXPRESSIONS)}, or their numbers from 0 to {len(EXPRESSIONS) - 1}"
                self.fail(row, name, f"{cell!r} is no expression: there are {known}")
            values[row] = meaning
        return values

    def _in_range(self, name: str) -> np.ndarray:
        """[rows] numbers from -1 to 1, NaN for none."""
        values = self.numbers(name)
        strange = np.flatnonzero(np.abs(values) > 1)
        if len(strange):
            row = int(strange[0])
            self.fail(row, name, f"{values[row]:g} is not between -1 and 1; leave the cell empty for none")
        return values

    def splits(self, written: np.ndarray) -> np.ndarray:
        """[rows] of str: train, val or test, of what is written for them."""
        splits = []
        for row, text in enumerate(written):
            split = SPLITS.get(text.strip().lower())
            if split is None:
                self.fail(row, "split", f"{text!r} is no split: there are train, val and test")
            splits.append(split)
        return np.array(splits, dtype=object)

    def check_same(self, values: np.ndarray, rows: np.ndarray, name: str) -> None:
        """
        Raises:
            UserError: where the rows of a clip differ in a column.
        """
        other = np.flatnonzero(values != values[0])
        if len(other):
            first, second = sorted((rows[0], rows[other[0]]))
            here = self.texts(name)
            self.fail(
                second,
                name,
                f"{here[second]!r}, but {here[first]!r} in {self.where(first)}, in the same clip",
            )

    def check_not_empty(self, name: str) -> None:
        """
        Raises:
            UserError: where a row has an empty cell in that column.
        """
        for row, text in enumerate(self.texts(name)):
            if not text.strip() or text == "nan":
                self.fail(row, name, f"the {name} is empty")

    def drop_repeated(self, labels: Sequence[str] = ()) -> int:
        """Leaves out rows that repeat an earlier row, and gives their number.

        Raises:
            UserError: where two rows give one image different labels.
        """
        labels = labels or [name for name in LABELS if name in self]
        seen: dict[tuple[str, ...], int] = {}
        labelled: dict[str, tuple[int, tuple[str, ...]]] = {}
        repeated: set[int] = set()
        for row in _perhaps_repeated(self._columns["path"]):
            texts = {name: _text(cells[row]) for name, cells in self._columns.items()}
            if seen.setdefault(tuple(texts.values()), row) != row:
                repeated.add(row)
                continue
            given = tuple(plain(texts[name]) for name in labels)
            first, before = labelled.setdefault(texts["path"], (row, given))
            for name, old, new in zip(labels, before, given, strict=True):
                if old != new:
                    self.fail(row, name, f"{new!r}, but {old!r} in {self.where(first)}, of the same image")
        if repeated:
            kept = [row for row in range(len(self._numbers)) if row not in repeated]
            self._columns = {name: [cells[row] for row in kept] for name, cells in self._columns.items()}
            self._numbers = [self._numbers[row] for row in kept]
        return len(repeated)

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
        number = self._numbers[row]
        return f"line {self._lines[number]}" if self._lines else f"row {number + 1}"

    def fail(self, row: int, column: str, reason: str) -> NoReturn:
        raise UserError(f"{self.file}: {self.where(row)}, column {column}: {reason}")


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell)


def _perhaps_repeated(paths: Sequence[Any]) -> list[int]:
    """The rows whose path another row may have too, by its hash: a large table has few of them."""
    hashes = np.fromiter((hash(_text(path)) for path in paths), np.int64, len(paths))
    _, codes, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    rows: list[int] = np.flatnonzero(counts[codes] > 1).tolist()
    return rows


def _whole(cell: Any) -> int:
    """The whole number in a cell; `1.0` is one.

    Raises:
        TypeError, ValueError, OverflowError: for anything else.
    """
    number = float(cell)
    if not number.is_integer():
        raise ValueError(cell)
    return int(number) if isinstance(cell, float) or "." in str(cell) or "e" in str(cell) else int(cell)


def _read_csv(file: Path) -> tuple[dict[str, list[Any]], Sequence[int]]:
    """The columns, without spaces around their cells, and the line that each row ends at."""
    try:
        with file.open(encoding=encoding_of(file), newline="") as content:
            delimiter = delimiter_of(content.readline(), ["path"])
            content.seek(0)
            reader = csv.reader(content, strict=True, delimiter=delimiter)
            names = _cells(file, 1, next(reader, []))
            if not any(names):
                raise UserError(f"{file}: it is empty, or its first line is", READ)
            if repeated := [name for name in names if names.count(name) > 1]:
                raise UserError(f"{file}: two columns are called {repeated[0]!r}")
            columns: list[list[Any]] = [[] for _ in names]
            lines = array("q")
            for row in reader:
                if len(row) not in (0, len(names)):
                    count = f"{len(row)} cells for {len(names)} columns"
                    raise UserError(f"{file}: line {reader.line_num}: {count}")
                if row:
                    for column, cell in zip(columns, _cells(file, reader.line_num, row), strict=True):
                        # Rows of one clip share the strings of its names.
                        column.append(column[-1] if column and column[-1] == cell else cell)
                    lines.append(reader.line_num)
    except (OSError, UnicodeError, csv.Error) as error:
        raise UserError(f"{file}: {first_line(error)}", READ) from error
    return dict(zip(names, columns, strict=True)), lines


def _cells(file: Path, line: int, row: Sequence[str]) -> list[str]:
    """Cells without the spaces around them.

    Raises:
        UserError: for a null character, as texts in UTF-16 have where they are read as UTF-8.
    """
    if "\0" in "".join(row):
        reason = "a character is null: perhaps the file is in UTF-16 without a byte order mark"
        raise UserError(f"{file}: line {line}: {reason}", READ)
    return [cell.strip() for cell in row]


def _read_parquet(file: Path) -> tuple[dict[str, list[Any]], Sequence[int]]:
    try:
        table = parquet.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{file}: {first_line(error)}") from error
    if repeated := [name for name in table.column_names if table.column_names.count(name) > 1]:
        raise UserError(f"{file}: two columns are called {repeated[0]!r}")
    return {name: table[name].to_pylist() for name in table.column_names}, []
