"""`landmarks.arrow`: the 68 points of every frame, written as a whole and read row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.data.index.schema import LANDMARKS, LANDMARKS_FILE, POINTS, write_batches

BATCH = 65_536
"""Rows of a record batch, which a writer holds in memory."""
_DETECTOR = b"detector"
_ROW = 4 * 2 * POINTS


def write_landmarks(index: Path, detector: str, chunks: Iterable[np.ndarray], rows: int) -> None:
    """Replaces the landmarks of an index. Nothing else of the index changes.

    The same points give the same bytes, however they are chunked.

    Args:
        index: the index's folder.
        detector: name of the detector, such as `dlib`.
        chunks: [n, 68, 2] x and y in pixels of the stored frames, upright after EXIF orientation, in the order
            of frames.arrow. A frame with a value that is not finite has no landmarks.
        rows: the number of frames of the index.

    Raises:
        SslToolboxError: if there are not exactly `rows` landmarks, or they can't be written.
    """
    schema = LANDMARKS.with_metadata({_DETECTOR: detector})
    write_batches(index / LANDMARKS_FILE, schema, _batches(chunks, schema, rows))


def _batches(chunks: Iterable[np.ndarray], schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
    seen = 0
    for points in _regrouped(chunks):
        seen += len(points)
        valid = np.isfinite(points).all(axis=(1, 2))
        points[~valid] = np.nan
        yield pa.RecordBatch.from_arrays([column_of_points(points), pa.array(valid)], schema=schema)
    if seen != rows:
        raise SslToolboxError(f"landmarks of {seen} frames for an index of {rows}")


def _regrouped(chunks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The same rows in new chunks of `BATCH` rows; the last one may be shorter."""
    waiting: list[np.ndarray] = []
    count = 0
    for chunk in chunks:
        while count + len(chunk) >= BATCH:
            head, chunk = np.split(chunk, [BATCH - count])
            yield _joined([*waiting, head])
            waiting, count = [], 0
        waiting.append(chunk)
        count += len(chunk)
    if count:
        yield _joined(waiting)


def _joined(chunks: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(chunks).astype(np.float32).reshape(-1, POINTS, 2)


def column_of_points(points: np.ndarray) -> pa.Array:
    """[n, 68, 2] as a column with a list for each row."""
    return pa.FixedSizeListArray.from_arrays(pa.array(points.reshape(-1)), 2 * POINTS)


def points_in(table: pa.Table) -> np.ndarray:
    """[n, 68, 2] of the column `landmarks` of a shard."""
    return table["landmarks"].combine_chunks().flatten().to_numpy().reshape(-1, POINTS, 2)


class LandmarkFile:
    """The landmarks of an index. Points are read when needed and not kept in memory.

    The file is not memory-mapped, because the mapped pages would count as memory of each worker.

    Attributes:
        detector: name of the detector.
        valid: [frames] bool, True for a frame with landmarks.
    """

    def __init__(self, path: Path, rows: int) -> None:
        """
        Args:
            path: the file.
            rows: how many frames the index has.

        Raises:
            UserError: where it can't be read, or is of other frames.
        """
        self._path, self._rows = path, rows
        try:
            content = pa.memory_map(str(path)).read_buffer()
            reader = pa.ipc.open_file(content)
            batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
            self._file = pa.OSFile(str(path))
        except (OSError, pa.ArrowException) as error:
            raise _wrong(path, first_line(error)) from error
        if not reader.schema.equals(LANDMARKS) or any(len(batch) != BATCH for batch in batches[:-1]):
            raise _wrong(path, "these are not landmarks in the format of this version")
        if (found := sum(map(len, batches))) != rows:
            raise _wrong(path, f"landmarks of {found} frames, and the index has {rows}")
        self.detector = (reader.schema.metadata or {}).get(_DETECTOR, b"").decode(errors="replace")
        valid = [batch.column("valid").to_numpy(zero_copy_only=False) for batch in batches]
        self.valid = np.concatenate([np.zeros(0, dtype=bool), *valid])
        self._offsets = [_points(batch).address - content.address for batch in batches]
        if any(not 0 <= offset < content.size for offset in self._offsets):
            raise _wrong(path, "it is compressed, and can't be read row by row")

    def __reduce__(self) -> tuple[Any, ...]:
        return LandmarkFile, (self._path, self._rows)

    def read(self, rows: Sequence[int]) -> np.ndarray:
        """[n, 68, 2] float32 in pixels of the stored frames, NaN where there are none.

        Args:
            rows: [n] rows of frames.arrow.

        Raises:
            UserError: where the file has been cut short since it was opened.
        """
        points = np.empty((len(rows), POINTS, 2), dtype=np.float32)
        for index, row in enumerate(rows):
            batch, within = divmod(row, BATCH)
            stored = self._file.read_at(_ROW, self._offsets[batch] + within * _ROW)
            if len(stored) < _ROW:
                raise _wrong(self._path, f"it was cut short before the landmarks of frame {row}")
            points[index] = np.frombuffer(stored, dtype=np.float32).reshape(POINTS, 2)
        return points


def _points(batch: pa.RecordBatch) -> pa.Buffer:
    """The numbers of a batch, as they lie in the file."""
    return batch.column("landmarks").values.buffers()[1]


def _wrong(path: Path, reason: str) -> UserError:
    return UserError(f"{path}: {reason}", "find the landmarks again: ssltoolbox data landmarks")
