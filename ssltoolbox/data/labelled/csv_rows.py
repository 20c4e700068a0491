"""Rows of a large CSV file: whole columns at once, and single rows on demand.

The file, of some 300 MB, stays on disk; memory holds the start of each row's line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.data.index.csv_format import READ, cells, delimiter_of, encoding_of, utf_16_of
from ssltoolbox.support.paths import printable

_CHUNK = 1 << 24


class CsvRows:
    """A file with commas, semicolons or tabs, in UTF-8 or UTF-16, one line for each row.

    Attributes:
        path: the file.
        names: the names of its columns, without surrounding spaces.
    """

    def __init__(self, path: Path, needed: Sequence[str], without_header: Sequence[str] = ()) -> None:
        """
        Args:
            path: an existing file.
            needed: the columns that it must have.
            without_header: the names of the columns where the first line has none of those needed.

        Raises:
            UserError: for a file that is empty or lacks a column.
        """
        self.path = path
        self._encoding = encoding_of(path)
        self._bytes = utf_16_of(path) or "utf-8"
        try:
            with path.open(encoding=self._encoding, newline="") as file:
                first = file.readline()
        except UnicodeError as error:
            raise UserError(f"{printable(path)}: {first_line(error)}", READ) from error
        self._delimiter = delimiter_of(first, needed)
        self.names = cells(first, self._delimiter)
        self._skip = 1
        if without_header and not set(self.names) & set(needed):
            self.names, self._skip = list(without_header), 0
        missing = [name for name in needed if name not in self.names]
        if missing:
            found = ", ".join(self.names[:12]) or "nothing"
            raise UserError(f"{printable(path)}: no column {' and no column '.join(missing)}; it has {found}")

    def columns(self, *names: str) -> list[np.ndarray]:
        """[rows] objects each: texts without surrounding spaces.

        Raises:
            UserError: where a line has other columns than the header.
        """
        try:
            table = arrow_csv.read_csv(
                self.path,
                read_options=arrow_csv.ReadOptions(
                    column_names=self.names,
                    skip_rows=self._skip,
                    encoding="utf8" if self._bytes == "utf-8" else self._encoding,
                ),
                parse_options=arrow_csv.ParseOptions(delimiter=self._delimiter),
                convert_options=arrow_csv.ConvertOptions(
                    include_columns=list(names),
                    column_types=dict.fromkeys(names, pa.string()),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            raise UserError(f"{printable(self.path)}: {first_line(error)}") from error
        except UnicodeError as error:
            raise UserError(f"{printable(self.path)}: {first_line(error)}", READ) from error
        return [compute.utf8_trim_whitespace(table[name]).to_numpy(zero_copy_only=False) for name in names]

    def line_starts(self, rows: int) -> np.ndarray:
        """[rows] int64: the byte at which each row's line begins; empty lines are no rows.

        Raises:
            UserError: where the file has another number of lines.
        """
        line_end = np.dtype({"utf-8": "u1", "utf-16-le": "<u2", "utf-16-be": ">u2"}[self._bytes])
        ends = [np.zeros(1, np.int64)]
        done = 0
        with self.path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                units = np.frombuffer(chunk, line_end, len(chunk) // line_end.itemsize)
                ends.append((np.flatnonzero(units == ord("\n")) + 1) * line_end.itemsize + done)
                done += len(chunk)
        starts = np.concatenate(ends)
        lengths = np.diff(np.append(starts, done))
        starts = starts[lengths > len("\r\n") * line_end.itemsize][self._skip :]
        if len(starts) != rows:
            raise UserError(
                f"{printable(self.path)}: {rows} rows in {len(starts)} lines; a row must be one line"
            )
        return starts

    def row(self, start: int) -> dict[str, str]:
        """The row whose line begins at a byte, by the columns' names."""
        with self.path.open("rb") as file:
            file.seek(start)
            line = self._line(file).decode(self._bytes, errors="replace")
        return dict(zip(self.names, cells(line, self._delimiter), strict=False))

    def _line(self, file: BinaryIO) -> bytes:
        """The bytes up to the end of a line; in UTF-16 the byte of a line end may be half of another character."""
        end = "\n".encode(self._bytes)
        line = b""
        while part := file.readline():
            line += part + (file.read(1) if end.startswith(b"\n\0") else b"")
            if line.endswith(end) and len(line) % len(end) == 0:
                break
        return line
