"""The columns of a CSV or Parquet file, read a part at a time as often as they are asked for.

The cells of a CSV file are kept as compressed Parquet in a temporary file.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import first_line, one_of
from ssltoolbox.data.index.csv_format import READ, delimiter_of, encoding_of
from ssltoolbox.support.files import writing

TYPES = (".csv", ".tsv", ".parquet")
"""Endings of the names of tables."""
_AT_ONCE = 4096
"""Rows that are Python objects at the same time."""
_GROUP = 2**13
"""Rows of a CSV file that are compressed together."""


class TableColumn(Collection[Any]):
    """A column of a Parquet file: each iteration reads its cells from the first to the last."""

    def __init__(self, file: Path, content: parquet.ParquetFile, name: str) -> None:
        """
        Args:
            file: what messages name.
            content: the opened file.
            name: of the column.
        """
        self._file, self._content, self._name = file, content, name

    def __len__(self) -> int:
        rows: int = self._content.metadata.num_rows
        return rows

    def __contains__(self, cell: object) -> bool:
        return any(cell == each for each in self)

    def __iter__(self) -> Iterator[Any]:
        """
        Raises:
            UserError: where the column is damaged.
        """
        try:
            for batch in self._content.iter_batches(_AT_ONCE, columns=[self._name], use_threads=False):
                yield from batch.column(self._name).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise UserError(f"{self._file}: column {self._name}: {first_line(error)}") from error


def read_columns(file: Path) -> tuple[Mapping[str, TableColumn], Sequence[int]]:
    """The columns, and the line that each row ends at; no lines where rows have none.

    Raises:
        UserError: where the file can't be read, or two columns have one name.
    """
    ending = file.suffix.lower()
    if ending not in TYPES:
        raise UserError(f"{file}: a table ends in {one_of(TYPES)}", "save it as CSV or Parquet")
    if ending == ".parquet":
        return _columns(file, file), ()
    content, lines = _read_csv(file)
    return _columns(file, pa.BufferReader(content)), lines


def columns_of(file: Path, names: Sequence[str], rows: Iterator[Sequence[str]]) -> Mapping[str, TableColumn]:
    """Columns of these rows of texts.

    Args:
        file: what messages name.
        names: of the columns, each once.
        rows: a text for each column.
    """
    return _columns(file, pa.BufferReader(_as_parquet(names, rows)))


def _columns(file: Path, source: Path | pa.BufferReader) -> Mapping[str, TableColumn]:
    try:
        content = parquet.ParquetFile(source)
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{file}: {first_line(error)}") from error
    names = content.schema_arrow.names
    _check_different(file, names)
    return {name: TableColumn(file, content, name) for name in names}


def _read_csv(file: Path) -> tuple[pa.Buffer, Sequence[int]]:
    """The cells as a Parquet file, without spaces around them, and the line that each row ends at."""
    try:
        with file.open(encoding=encoding_of(file), newline="") as content:
            delimiter = delimiter_of(content.readline(), ["path"])
            content.seek(0)
            reader = csv.reader(content, strict=True, delimiter=delimiter)
            names = _cells(file, 1, next(reader, []))
            if not any(names):
                raise UserError(f"{file}: it is empty, or its first line is", READ)
            _check_different(file, names)
            lines = array("q")
            return _as_parquet(names, _rows(file, reader, len(names), lines)), _short(lines)
    except (OSError, UnicodeError, csv.Error) as error:
        raise UserError(f"{file}: {first_line(error)}", READ) from error


def _check_different(file: Path, names: Sequence[str]) -> None:
    if repeated := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{file}: two columns are called {repeated[0]!r}")


def _rows(file: Path, reader: Any, columns: int, lines: array[int]) -> Iterator[list[str]]:
    """The rows that are not empty; `lines` gets the line of each."""
    for row in reader:
        if len(row) not in (0, columns):
            raise UserError(f"{file}: line {reader.line_num}: {len(row)} cells for {columns} columns")
        if row:
            lines.append(reader.line_num)
            yield _cells(file, reader.line_num, row)


def _as_parquet(names: Sequence[str], rows: Iterator[Sequence[str]]) -> pa.Buffer:
    schema = pa.schema([(name, pa.string()) for name in names])
    with writing(Path(gettempdir())), TemporaryFile() as file:
        with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            while group := list(islice(rows, _GROUP)):
                columns = [pa.array(column, pa.string()) for column in zip(*group, strict=True)]
                writer.write_table(pa.table(columns, schema=schema))
        file.flush()
        return pa.py_buffer(mmap(file.fileno(), 0, access=ACCESS_READ))


def _short(lines: array[int]) -> Sequence[int]:
    """The same numbers, as a range where no line is left out."""
    last = lines[-1] if lines else 1
    return range(2, last + 1) if last == len(lines) + 1 else lines


def _cells(file: Path, line: int, row: Sequence[str]) -> list[str]:
    """Cells without the spaces around them.

    Raises:
        UserError: for a null character, as texts in UTF-16 have where they are read as UTF-8.
    """
    if "\0" in "".join(row):
        reason = "a character is null: perhaps the file is in UTF-16 without a byte order mark"
        raise UserError(f"{file}: line {line}: {reason}", READ)
    return [cell.strip() for cell in row]
