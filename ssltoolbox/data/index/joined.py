"""Writes tables one after another as one table. Memory holds one of them at a time.

pyarrow writes a record batch as a whole, and an index is read by mapping whole columns. So the columns are first
gathered in files, and the batch that is written consists of mappings of these files.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import ExitStack
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Self

import numpy as np
import pyarrow as pa

from ssltoolbox.data.index.schema import write_batches


class JoinedTable:
    """A table that grows by tables of the same columns: numbers, texts, or lists of one length. No cell is empty.

    Its files are removed when the context ends.

    Attributes:
        rows: so far.
    """

    def __init__(self, folder: Path) -> None:
        """
        Args:
            folder: for the files. They have no names, so a killed process leaves none.
        """
        self._folder = folder
        self._files = ExitStack()
        self._schema: pa.Schema | None = None
        self._columns: dict[str, _Column] = {}
        self.rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def append(self, table: pa.Table) -> None:
        """
        Raises:
            OSError: when the disk is full.
        """
        if self._schema is None:
            self._schema = table.schema
            self._columns = {field.name: _Column(field.type, self._new_file) for field in table.schema}
        if len(table):
            for name, column in self._columns.items():
                for chunk in table[name].chunks:
                    column.append(chunk)
        self.rows += len(table)

    def column(self, name: str) -> pa.Array:
        """The values of a column so far, mapped: they stay when the context ends. There has been a table."""
        return self._columns[name].array(self.rows)

    def write(self, path: Path, without: Collection[str] = ()) -> None:
        """Writes all rows: the bytes that `write_table` writes for them. At least one table has been appended.

        Args:
            path: of the file.
            without: columns that are left out.

        Raises:
            SslToolboxError: when it can't be written.
        """
        assert self._schema is not None
        names = [name for name in self._columns if name not in without]
        schema = pa.schema([self._schema.field(name) for name in names], self._schema.metadata)
        columns = [self.column(name) for name in names]
        batch = pa.RecordBatch.from_arrays(columns, schema=schema)
        write_batches(path, schema, iter([batch]))

    def _new_file(self) -> _Bytes:
        return _Bytes(self._files.enter_context(TemporaryFile(dir=self._folder)))


class _Column:
    """The values of a column, in files."""

    def __init__(self, kind: pa.DataType, new_file: Callable[[], _Bytes]) -> None:
        self._kind = kind
        self._list = _Column(kind.value_type, new_file) if pa.types.is_fixed_size_list(kind) else None
        self._values = new_file()
        self._ends = new_file() if pa.types.is_large_string(kind) else None
        if self._ends:
            self._ends.append(np.zeros(1, dtype=np.int64))

    def append(self, array: pa.Array) -> None:
        if self._list:
            self._list.append(array.flatten())
        elif self._ends:
            _, ends, content = array.buffers()
            ends = np.frombuffer(ends, np.int64, len(array) + 1, 8 * array.offset)
            self._ends.append(ends[1:] - ends[0] + self._values.size)
            if content:
                self._values.append(np.frombuffer(content, np.uint8)[ends[0] : ends[-1]])
        else:
            self._values.append(array.to_numpy())

    def array(self, length: int) -> pa.Array:
        """The values so far, mapped."""
        if self._list:
            size = self._kind.list_size
            return pa.FixedSizeListArray.from_arrays(self._list.array(length * size), type=self._kind)
        ends = [self._ends.mapped()] if self._ends else []
        return pa.Array.from_buffers(self._kind, length, [None, *ends, self._values.mapped()], null_count=0)


class _Bytes:
    """Bytes in a file.

    Attributes:
        size: how many.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0

    def append(self, values: np.ndarray) -> None:
        self.size += self._file.write(np.ascontiguousarray(values).view(np.uint8).data)

    def mapped(self) -> pa.Buffer:
        self._file.flush()
        return pa.py_buffer(mmap(self._file.fileno(), 0, access=ACCESS_READ) if self.size else b"")
