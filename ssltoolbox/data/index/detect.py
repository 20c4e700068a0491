"""Finds the landmarks of an index's frames, on all cores, and resumes after a kill."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest
from typing import IO, Any

import numpy as np
import pyarrow as pa

from ssltoolbox.api import LandmarkDetector, SslToolboxError, UnreadableFrame, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.data.images.files import read_pixels
from ssltoolbox.data.images.landmarks import check_landmarks
from ssltoolbox.data.index.build import HEADER_OF_SKIPPED, Tick
from ssltoolbox.data.index.landmarks import column_of_points, points_in, write_landmarks
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.schema import FRAMES_FILE, LANDMARKS_SKIPPED, POINTS
from ssltoolbox.data.index.shards import Shards, Skipped, skipped_in, work_through
from ssltoolbox.support.clusters import Cluster
from ssltoolbox.support.files import write_csv
from ssltoolbox.support.paths import printable
from ssltoolbox.support.shard import Shard, claimed

BLOCK = 50
"""Least frames of a shard. A kill loses at most one shard in each process."""
MOST_SHARDS = 4000
"""The most shards; a large index has larger shards."""

_WORK = ".landmarks"
_NONE = np.full((POINTS, 2), np.nan, dtype=np.float32)

MakeDetector = Callable[[], LandmarkDetector]


@dataclass(frozen=True)
class Found:
    """The result of the detection.

    Attributes:
        frames: number of frames.
        faces: number of frames with a face.
        skipped: path and reason of each image that could not be read, or on which the detector failed.
    """

    frames: int
    faces: int
    skipped: Sequence[Skipped]


def find_landmarks(
    index: FrameIndex,
    make: MakeDetector,
    name: str,
    options: Mapping[str, Any],
    *,
    workers: int | Cluster,
    tick: Tick,
    shard: Shard | None = None,
) -> Found | None:
    """Detects a face in every frame of an index, and replaces the landmarks of the index.

    If the process is killed, the same call resumes. An image that is damaged or missing, or on which the detector
    fails, has no landmarks; landmarks_skipped.csv lists it. The bytes are the same for any number of workers.

    Args:
        index: of image files.
        make: makes the detector, once in each process; it is pickled.
        name: the detector's.
        options: the detector's, as JSON; with other options the detection starts again.
        workers: processes, or a cluster.
        tick: called with progress.
        shard: only look at its share of the frames; the call without a shard writes the landmarks.

    Returns:
        The result; None after a shard.

    Raises:
        DataNotFound: where the frames are no longer where the index says.
        UserError: where the index is packed, the detector can't be made, or gives something else than landmarks.
        SslToolboxError: when the landmarks can't be written.
    """
    if index.header.packed:
        raise UserError(f"{index.path} is packed", "find the landmarks of the index it was packed from")
    index.check_root()
    work = index.path.absolute() / _WORK
    with claimed(work, shard):
        size = max(BLOCK, -(-len(index) // MOST_SHARDS))
        job = {"detector": name, "options": options, "block": size, "frames": _digest(index)}
        shards = Shards(work / "shards", job, shared=shard is not None)
        blocks = [range(start, min(start + size, len(index))) for start in range(0, len(index), size)]
        work_through(
            shards,
            [len(rows) for rows in blocks],
            _Detection.to_shard,
            lambda number: (shards, number, blocks[number]),
            workers=workers,
            tick=tick,
            shard=shard,
            prepare=partial(_Detection, index, make),
        )
        if shard:
            return None
        found = _write(index, name, shards, len(blocks))
        shutil.rmtree(work)
    return found


def _digest(index: FrameIndex) -> str:
    with (index.path / FRAMES_FILE).open("rb") as file:
        return file_digest(file, "blake2b").hexdigest()


class _Detection:
    """The detection in one process."""

    def __init__(self, index: FrameIndex, make: MakeDetector) -> None:
        self._index, self._detector = index, make()

    def to_shard(self, shards: Shards, number: int, rows: range) -> int:
        """Writes the landmarks of a block, and gives its frames."""
        points = np.empty((len(rows), POINTS, 2), dtype=np.float32)
        skipped: list[Skipped] = []
        for position, row in enumerate(rows):
            path = self._index.frame_path(row)
            try:
                points[position] = _landmarks(self._detector, path, self._index.content(row))
            except UnreadableFrame as error:
                points[position] = _NONE
                reason = str(error).removeprefix(f"{printable(path)}: ")
                skipped.append((self._index.frame_name(row), reason))
        shards.write(number, pa.table({"landmarks": column_of_points(points)}), skipped)
        return len(rows)


def _landmarks(detector: LandmarkDetector, path: str, content: IO[bytes] | None) -> np.ndarray:
    """[68, 2] of the face in an image, NaN where there is none.

    Raises:
        UnreadableFrame: where the image can't be read, or the detector fails on it.
        UserError: where the detector gives something else.
    """
    image = read_pixels(path, content)
    try:
        points = detector.detect(image)
    except SslToolboxError:
        raise
    except Exception as error:
        reason = f"the detector failed: {type(error).__name__}: {first_line(error)}"
        raise UnreadableFrame(f"{printable(path)}: {reason}") from error
    if points is None:
        return _NONE
    check_landmarks(detector, points)
    return points


def _write(index: FrameIndex, name: str, shards: Shards, count: int) -> Found:
    """Merges the shards into the index."""
    faces = 0
    skipped: list[Skipped] = []

    def chunks() -> Iterator[np.ndarray]:
        nonlocal faces
        for number in range(count):
            table = shards.read(number)
            points = points_in(table)
            faces += int(np.isfinite(points).all(axis=(1, 2)).sum())
            skipped.extend(skipped_in(table))
            yield points

    write_landmarks(index.path, name, chunks(), len(index))
    write_csv(index.path / LANDMARKS_SKIPPED, HEADER_OF_SKIPPED, skipped)
    return Found(len(index), faces, skipped)
