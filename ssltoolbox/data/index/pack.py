"""Packs an index: resizes its frames once and stores them in one file, for machines with few cores.

Blocks of frames are resized to shards, on all cores or machines. When all shards are there, the position of each
block in the file is known, and their images are copied to it in the same way.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from hashlib import file_digest
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from PIL import Image
from torch import Tensor

from ssltoolbox.api import UserError
from ssltoolbox.data.index.build import HEADER_OF_SKIPPED, Built, Tick
from ssltoolbox.data.index.landmarks import column_of_points, points_in, write_landmarks
from ssltoolbox.data.index.output import check_output, finish, work_folder
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.schema import (
    BYTE_RANGE,
    CLIPS,
    CLIPS_FILE,
    FRAMES,
    FRAMES_FILE,
    IMAGES_FILE,
    POINTS,
    SKIPPED,
    SPLIT,
    TAR,
    Header,
    Packing,
    map_table,
    root_for,
    write_table,
)
from ssltoolbox.data.index.shards import Shards, Skipped, work_through
from ssltoolbox.data.index.source import IndexSource
from ssltoolbox.support.clusters import Cluster
from ssltoolbox.support.files import write_bytes, write_csv, writing
from ssltoolbox.support.paths import printable
from ssltoolbox.support.remote import RemoteFolder
from ssltoolbox.support.shard import Shard, claimed
from ssltoolbox.support.words import counted
from ssltoolbox.support.workers import as_done

BLOCK = 512
"""Frames of a shard: seconds of work."""
COPIED = 2**30
"""Bytes of images that a process copies at once; fewer are not worth the start of a process."""

_NONE = np.full((POINTS, 2), np.nan, dtype=np.float32)


def pack_index(
    index: FrameIndex,
    packing: Packing,
    output: Path | RemoteFolder,
    *,
    workers: int | Cluster,
    tick: Tick,
    shard: Shard | None = None,
) -> Built | None:
    """Writes a packed index. If the process is killed, the same call resumes.

    Images that can't be read are left out, and recorded in skipped.csv. Landmarks are scaled with the images.

    Args:
        index: the index to pack.
        packing: size and encoding.
        output: the packed index, a folder that does not exist yet; on remote storage, the index is made on this
            machine and then copied.
        workers: processes, or a cluster.
        tick: called with progress.
        shard: only resize its share of the frames; if all others are done, also copy its share of the images to
            their file. The call without a shard does the rest.

    Returns:
        The result; None after a shard.

    Raises:
        DataNotFound: where the frames are no longer where the index says.
        UserError: where the output is there already, no frame could be read, a path leads out of the root or is
            not UTF-8, or remote storage can't be used.
        SslToolboxError: when it can't be written.
    """
    check_output(output)
    index.check_root()
    header = Header(
        root=root_for(index.root.place, output),
        fps=index.header.fps,
        packed=packing,
        classes=index.header.classes,
    )
    work = work_folder(output)
    with claimed(work, shard):
        job = {"frames": _digest(index), "packing": packing.model_dump(), "block": BLOCK}
        shards = Shards(work / "shards", job, shared=shard is not None)
        blocks = _blocks(index)
        work_through(
            shards,
            [_frames(index, clips) for clips in blocks],
            _Packer.to_shard,
            lambda number: (shards, number, blocks[number]),
            workers=workers,
            tick=tick,
            shard=shard,
            prepare=partial(_Packer, index, packing),
        )
        if all(map(shards.has, range(len(blocks)))):
            _join_images(work / IMAGES_FILE, shards, len(blocks), workers, shard)
        if shard:
            return None
        built = _write(work, index, packing, shards, len(blocks))
        header.write(work)
        finish(work, shards, output)
    return built


def _digest(index: FrameIndex) -> list[str]:
    """Digests of the files of the index."""
    digests = []
    for path in sorted(index.path.glob("*.arrow")):
        with path.open("rb") as file:
            digests.append(f"{path.name} {file_digest(file, 'blake2b').hexdigest()}")
    return digests


def _blocks(index: FrameIndex) -> list[range]:
    """Runs of clips with about `BLOCK` frames each."""
    ends = np.flatnonzero(np.diff(index.starts // BLOCK)) + 1
    edges = [0, *ends.tolist(), len(index.starts)]
    return [range(first, last) for first, last in pairwise(edges)]


def _frames(index: FrameIndex, clips: range) -> int:
    return int(index.lengths[clips.start : clips.stop].sum())


class _Packer:
    """The packing in one process."""

    def __init__(self, index: FrameIndex, packing: Packing) -> None:
        self._source, self._packing = IndexSource(index, np.arange(len(index.lengths))), packing

    def to_shard(self, shards: Shards, number: int, clips: range) -> int:
        """Writes the frames of a block, and gives their number."""
        source, packing = self._source, self._packing
        images: list[bytes | None] = []
        reasons: list[str] = []
        points: list[np.ndarray] = []
        for clip in clips:
            for frame in source.read(clip, range(len(source.times(clip))), packing.size):
                images.append(None if frame.image is None else _encoded(frame.image, packing))
                reasons.append(frame.reason)
                points.append(_NONE if frame.landmarks is None else frame.landmarks)
        own = shards.own(f"{number}.bin")
        write_bytes(own, b"".join(image for image in images if image is not None))
        os.replace(own, _images_of(shards, number))
        lengths = pa.array([None if image is None else len(image) for image in images], BYTE_RANGE["length"])
        landmarks = column_of_points(np.concatenate(points))
        shards.write(number, pa.table({"length": lengths, "reason": reasons, "landmarks": landmarks}))
        return len(images)


def _encoded(image: Tensor, packing: Packing) -> bytes:
    """[3, size, size] uint8 RGB → its bytes in images.bin."""
    pixels = image.numpy()
    if packing.encoding == "raw":
        return pixels.tobytes()
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(
        content, format="JPEG", quality=packing.quality
    )
    return content.getvalue()


def _images_of(shards: Shards, number: int) -> Path:
    return shards.folder / f"{number}.bin"


def _write(work: Path, index: FrameIndex, packing: Packing, shards: Shards, count: int) -> Built:
    """Merges the shards into the files of the index, without the header."""
    tables = [shards.read(number) for number in range(count)]
    lengths = pa.concat_tables(table.select(["length"]) for table in tables)["length"]
    kept = lengths.is_valid().to_numpy()
    skipped = _skipped(index, tables, kept)
    if not kept.any():
        path, reason = skipped[0]
        raise UserError(f"none of {counted(len(kept), 'frame')} could be read; the first, {path}: {reason}")
    stored = lengths.drop_null().to_numpy()
    frames = map_table(index.path / FRAMES_FILE, FRAMES).filter(pa.array(kept))
    size = np.full(len(stored), packing.size, dtype=np.int32)
    columns = {name: frames[name] for name in frames.column_names if name not in (TAR, *BYTE_RANGE)}
    columns |= {"height": pa.array(size), "width": pa.array(size)}
    columns |= {"offset": pa.array(np.cumsum(stored, dtype=np.int64) - stored), "length": pa.array(stored)}
    write_table(work / FRAMES_FILE, pa.table(columns))
    clips = _write_clips(work, index, kept)
    if index.landmarks:
        write_landmarks(work, index.landmarks.detector, _points(tables, kept), len(stored))
    write_csv(work / SKIPPED, HEADER_OF_SKIPPED, skipped)
    return Built(clips, len(stored), skipped)


def _skipped(index: FrameIndex, tables: Iterable[pa.Table], kept: np.ndarray) -> list[Skipped]:
    reasons = pa.concat_tables(table.select(["reason"]) for table in tables)["reason"]
    skipped = []
    for row in np.flatnonzero(~kept).tolist():
        start = printable(index.root.full(index.frame_name(row)))
        skipped.append((index.frame_name(row), reasons[row].as_py().removeprefix(f"{start}: ")))
    return skipped


def _join_images(
    images: Path, shards: Shards, count: int, workers: int | Cluster, shard: Shard | None
) -> None:
    """Copies the images of all shards, or of one share of them, to their positions in a file."""
    sizes = np.array([pc.sum(shards.read(number)["length"]).as_py() or 0 for number in range(count)])
    starts = np.cumsum(sizes) - sizes
    groups = np.split(np.arange(count), np.flatnonzero(np.diff(starts // COPIED)) + 1)
    with writing(images), images.open("ab") as whole:
        whole.truncate(int(sizes.sum()))
    tasks = [(shards, group.tolist(), images, starts[group].tolist()) for group in groups]
    for _ in as_done(_copy_images, shard.of(tasks) if shard else tasks, workers):
        pass


def _copy_images(shards: Shards, numbers: Sequence[int], images: Path, starts: Sequence[int]) -> None:
    """Copies the images of these shards. They are removed afterwards, to save disk space."""
    for number, start in zip(numbers, starts, strict=True):
        try:
            part = _images_of(shards, number).open("rb")
        except FileNotFoundError:  # they have been copied before
            continue
        with writing(images), part, images.open("r+b") as whole:
            whole.seek(start)
            shutil.copyfileobj(part, whole, 1 << 20)
        _images_of(shards, number).unlink(missing_ok=True)


def _write_clips(work: Path, index: FrameIndex, kept: np.ndarray) -> int:
    """Writes clips.arrow without the frames that were left out, and gives the number of clips."""
    lengths = np.add.reduceat(kept.astype(np.int64), index.starts)
    some = lengths > 0
    names = map_table(index.path / CLIPS_FILE, CLIPS).filter(pa.array(some)).select(CLIPS.names[:3])
    left = lengths[some]
    columns = {name: names[name] for name in names.column_names}
    table = pa.table({**columns, "start": np.cumsum(left) - left, "frames": left}, CLIPS)
    if index.splits is not None:
        table = table.append_column(SPLIT, pa.array(index.splits[some].tolist(), pa.large_string()))
    write_table(work / CLIPS_FILE, table)
    return len(left)


def _points(tables: Iterable[pa.Table], kept: np.ndarray) -> Iterator[np.ndarray]:
    start = 0
    for table in tables:
        points = points_in(table)
        yield points[kept[start : start + len(points)]]
        start += len(points)
