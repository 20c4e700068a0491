"""Builds an index from the headers of all listed images, on all cores, and resumes after a kill.

Clips, headers and the columns of the index wait in files, so memory does not grow with the number of frames.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ssltoolbox.api import UnreadableFrame, UserError
from ssltoolbox.data.images.files import Extent, read_extent
from ssltoolbox.data.images.landmarks import read_landmarks
from ssltoolbox.data.images.roots import ImageRoot, LocalFile
from ssltoolbox.data.index.blocks import Block, Blocks, in_blocks
from ssltoolbox.data.index.joined import JoinedTable
from ssltoolbox.data.index.landmarks import column_of_points, points_in, write_landmarks
from ssltoolbox.data.index.listing import ClipListing, ListedClip
from ssltoolbox.data.index.output import check_output, finish, work_folder
from ssltoolbox.data.index.schema import (
    BYTE_RANGE,
    CLIPS,
    CLIPS_FILE,
    FRAMES_FILE,
    POINTS,
    SKIPPED,
    SPLIT,
    TAR,
    Header,
    column_of,
    root_for,
)
from ssltoolbox.data.index.shards import Shards, Skipped, skipped_in, work_through
from ssltoolbox.support.clusters import Cluster
from ssltoolbox.support.files import write_csv, writing
from ssltoolbox.support.paths import NOT_UTF8, RENAME, is_utf8, printable
from ssltoolbox.support.remote import RemoteFile, RemoteFolder
from ssltoolbox.support.shard import Shard, claimed
from ssltoolbox.support.words import counted

BLOCK = 4096
"""Frames of a shard, which is a worker's task: about a second of work."""
FROM_FILES = "landmarks68.npy"
"""The name, in place of a detector's, for landmarks from files beside the frames."""

HEADER_OF_SKIPPED = ("path", "reason")
_LISTINGS = "listings"

Tick = Callable[[int], object]
"""Takes the number of frames that are done since the last call."""


@dataclass(frozen=True)
class Built:
    """The result of building or packing an index.

    Attributes:
        clips, frames: their numbers in the index.
        skipped: path and reason of each file that could not be used.
    """

    clips: int
    frames: int
    skipped: Sequence[tuple[str, str]]


def build_index(
    listing: ClipListing,
    output: Path | RemoteFolder,
    *,
    workers: int | Cluster,
    tick: Tick,
    listed: Tick | None = None,
    shard: Shard | None = None,
) -> Built | None:
    """Writes an index of the listed clips. If the process is killed, the same call resumes.

    An image whose header can't be read is left out, and a landmarks file that is damaged is not used; both
    are recorded in skipped.csv.

    Args:
        listing: the clips.
        output: the index, a folder that does not exist yet; on remote storage, the index is made on this machine
            and then copied.
        workers: processes, or a cluster.
        tick: called with progress.
        listed: called with the number of frames, when all clips are listed.
        shard: only read its share of the headers; the call without a shard writes the index.

    Returns:
        The result; None after a shard.

    Raises:
        UserError: where the output is there already, no frame could be read, a path is not UTF-8, or remote
            storage can't be used.
        SslToolboxError: when it can't be written.
    """
    check_output(output)
    links: Literal["followed"] | None = "followed" if listing.follow_links else None
    header = Header(
        root=root_for(listing.root, output),
        fps=listing.fps,
        links=links,
        classes={name: list(names) for name, names in listing.classes.items()} or None,
        tars=dict(listing.tars) if listing.tars else None,
    )
    place = listing.root.absolute() if isinstance(listing.root, Path) else listing.root
    root = ImageRoot(place, listing.follow_links)
    work = work_folder(output)
    waiting = in_blocks(listing.clips, BLOCK, work / _LISTINGS, str(place), listing.fps)
    with claimed(work, shard), waiting as clips:
        if listed:
            listed(clips.frames)
        blocks = clips.blocks
        job = {"listing": clips.digest, "block": BLOCK, "links": links}
        shards = Shards(work / "shards", job, shared=shard is not None)
        work_through(
            shards,
            [block.frames for block in blocks],
            _scan_to_shard,
            lambda number: (root, blocks[number], shards, number),
            workers=workers,
            tick=tick,
            shard=shard,
        )
        if shard:
            return None
        built = _write(work, clips, shards, listing.reasons)
        header.write(work)
        shutil.rmtree(work / _LISTINGS)
        finish(work, shards, output)
    return built


def _scan_to_shard(root: ImageRoot, block: Block, shards: Shards, number: int) -> int:
    scanned = [_scanned(root, clip, position) for position, clip in enumerate(block.clips())]
    skipped = [one for _, problems in scanned for one in problems]
    table = pa.concat_tables([table for table, _ in scanned])
    shards.write(number, table, skipped)
    return block.frames


def _scanned(root: ImageRoot, clip: ListedClip, number: int) -> tuple[pa.Table, list[Skipped]]:
    """A table with a row for each readable frame, and the files that can't be used."""
    sizes: list[Extent | None] = []
    skipped: list[Skipped] = []
    tar = root.file(clip.tar.name) if clip.tar else None
    for frame, path in enumerate(clip.paths):
        full = root.full(path)
        try:
            if not is_utf8(path):
                raise UnreadableFrame(f"{NOT_UTF8}; {RENAME}")
            if clip.tar and tar:
                offset, length = clip.tar.ranges[frame].tolist()
                content: IO[bytes] | None = io.BytesIO(tar.read_at(length, offset))
            elif root.holds(path):
                content = root.content(path)
            else:
                raise UnreadableFrame(f"{printable(full)}: this link leads out of {root}")
            sizes.append(read_extent(full, content=content))
        except UnreadableFrame as error:
            sizes.append(None)
            skipped.append((printable(path), _reason(error, full)))
    points, problem = _landmarks(root, clip, tar)
    table = pa.table(
        {
            "clip": np.full(len(sizes), number, dtype=np.int32),
            "path": pa.array(
                [path if size else "" for path, size in zip(clip.paths, sizes, strict=True)],
                pa.large_string(),
            ),
            "frame": clip.numbers,
            "time": clip.times,
            "height": pa.array([size and size.height for size in sizes], pa.int32()),
            "width": pa.array([size and size.width for size in sizes], pa.int32()),
            **_position_columns(clip),
            "landmarks": column_of_points(points),
            **{column_of(name): _column(values) for name, values in clip.labels.items()},
        }
    )
    return table.filter(pc.is_valid(table["height"])), skipped + problem


def _position_columns(clip: ListedClip) -> dict[str, pa.Array]:
    """The columns that say where frames are in tar files; none for image files."""
    if clip.tar is None:
        return {}
    ranges = zip(BYTE_RANGE.items(), clip.tar.ranges.T, strict=True)
    tars = np.full(len(clip.paths), clip.tar.number, dtype=np.int32)
    return {TAR: pa.array(tars), **{name: pa.array(values, kind) for (name, kind), values in ranges}}


def _column(values: np.ndarray) -> pa.Array:
    """A label [frames] or [frames, C] as a column."""
    if values.ndim == 1:
        return pa.array(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])


def _landmarks(
    root: ImageRoot, clip: ListedClip, tar: LocalFile | RemoteFile | None
) -> tuple[np.ndarray, list[Skipped]]:
    """[frames, 68, 2], NaN for none, and the problem of the landmarks file, if any."""
    none = np.full((len(clip.paths), POINTS, 2), np.nan, dtype=np.float32)
    if not clip.landmarks:
        return none, []
    path = root.full(clip.landmarks)
    try:
        if clip.tar and clip.tar.landmarks and tar:
            offset, length = clip.tar.landmarks
            return read_landmarks(path, len(clip.paths), io.BytesIO(tar.read_at(length, offset))), []
        path = root.local(clip.landmarks)
        return read_landmarks(path, len(clip.paths)), []
    except UserError as error:
        return none, [(printable(clip.landmarks), _reason(error, path))]


def _reason(error: Exception, path: str) -> str:
    """The message of an error without the path."""
    return str(error).removeprefix(f"{printable(path)}: ")


def _write(folder: Path, listed: Blocks, shards: Shards, left_out: Iterable[Skipped]) -> Built:
    """Merges the shards into the files of the index, without the header."""
    skipped = [*left_out]
    with writing(folder), JoinedTable(folder) as frames, JoinedTable(folder) as clips:
        have_splits = False
        for number, block in enumerate(listed.blocks):
            table = shards.read(number)
            skipped += skipped_in(table)
            kept = _kept(block.clips(), table)
            have_splits = have_splits or any(clip.split for clip, _ in kept)
            clips.append(_clips_table(kept, frames.rows))
            frames.append(table.drop_columns(["clip", "landmarks"]))
        if not frames.rows:
            path, reason = skipped[0]
            count = counted(len(skipped), "file")
            raise UserError(f"none of {count} could be used; the first, {path}: {reason}")
        frames.write(folder / FRAMES_FILE)
        clips.write(folder / CLIPS_FILE, without=() if have_splits else (SPLIT,))
        if listed.landmarks:
            points = (points_in(shards.read(number)) for number in range(len(listed.blocks)))
            write_landmarks(folder, FROM_FILES, points, frames.rows)
        write_csv(folder / SKIPPED, HEADER_OF_SKIPPED, skipped)
        return Built(clips.rows, frames.rows, skipped)


def _kept(clips: Sequence[ListedClip], table: pa.Table) -> list[tuple[ListedClip, int]]:
    """The clips that have rows in the table of a block, and how many."""
    lengths = np.bincount(table["clip"].to_numpy(), minlength=len(clips))
    return [(clip, int(length)) for clip, length in zip(clips, lengths, strict=True) if length]


def _clips_table(clips: Sequence[tuple[ListedClip, int]], start: int) -> pa.Table:
    """Rows of `clips.arrow` for clips and their numbers of frames, the first of which is the frame `start`."""
    lengths = np.array([length for _, length in clips], dtype=np.int64)
    names = {column: [getattr(clip, column) for clip, _ in clips] for column in ("identity", "video", "clip")}
    starts = start + np.cumsum(lengths) - lengths
    table = pa.table({**names, "start": starts, "frames": lengths}, CLIPS)
    return table.append_column(SPLIT, pa.array([clip.split for clip, _ in clips], pa.large_string()))
