"""What clips there are to index, from a CSV or Parquet file with a row for each frame.

Memory holds the different names, and some numbers for each clip. What there is for each row waits in files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import pyarrow as pa

from ssltoolbox.data.images.naming import frame_numbers, frame_times, in_natural_order, number_times
from ssltoolbox.data.index.cells import COLUMNS, NAMES, Table
from ssltoolbox.data.index.joined import JoinedTable
from ssltoolbox.data.index.listing import ClipListing, ListedClip, numbers_of
from ssltoolbox.data.index.schema import LABELS
from ssltoolbox.data.label_columns import NOT_LABELS, labels_of
from ssltoolbox.data.label_options import WrittenLabel, as_options
from ssltoolbox.support.files import writing
from ssltoolbox.support.large_arrays import large_array, parts_of

_AT_ONCE = 4096
"""Paths that are Python objects at the same time."""


def list_table(
    file: Path,
    root: Path,
    fps: float,
    written: Mapping[str, WrittenLabel] | None = None,
    follow_links: bool = False,
) -> ClipListing:
    """The clips that a table names, sorted by identity, video and clip in natural order.

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
        follow_links: also follow links that lead out of the root.

    Raises:
        DataNotFound: where the file is not there.
        UserError: where it can't be used: which row and column, and why.
        SslToolboxError: where the disk of temporary files is full.
    """
    table = Table.read(file)
    written = written or {}
    repeated = table.drop_repeated()
    paths = _in_a_file(table.paths(root))
    labels = {name: table.label(name) for name in LABELS if name in table and name not in written}
    own = labels_of(table, written, but=(*NOT_LABELS, *LABELS, *NAMES))
    labels |= {name: label.values for name, label in own.items()}
    splits = table.splits(table.texts("split")) if "split" in table else None
    times = table.numbers("time", needed=True) if "time" in table else None
    frames = table.whole_numbers("frame") if "frame" in table else None
    table.check_not_empty("identity")
    names = [_names(table, name, paths) for name in NAMES]
    rows = _Rows(fps, paths, names, times, frames, labels, splits)
    rows.check(table)
    used = {column for what in written.values() for column in as_options(what).columns}
    unused = [name for name in table.names if name not in {*COLUMNS, "split", *labels, *used}]
    classes = {name: label.names for name, label in own.items() if label.names}
    return ClipListing(root, fps, rows.clips(), follow_links, sorted(labels), classes, unused, repeated)


@dataclass(frozen=True)
class _RowNames:
    """A name of each row.

    Attributes:
        different: in natural order.
        ranks: [rows] int32, which of them.
    """

    different: Sequence[str]
    ranks: np.ndarray

    @classmethod
    def of(cls, texts: Iterable[str], rows: int) -> _RowNames:
        numbers: dict[str, int] = {}
        each = (numbers.setdefault(text, len(numbers)) for text in texts)
        ranks = large_array(rows, np.int32)
        for part in parts_of(rows):
            ranks[part] = np.fromiter(each, np.int32, part.stop - part.start)
        different = in_natural_order(numbers)
        rank = np.empty(len(different), np.int32)
        rank[[numbers[text] for text in different]] = np.arange(len(different), dtype=np.int32)
        for part in parts_of(rows):
            ranks[part] = rank[ranks[part]]
        return cls(different, ranks)

    def at(self, row: int) -> str:
        return self.different[self.ranks[row]]


def _names(table: Table, name: str, paths: pa.Array) -> _RowNames:
    """The names in a column of `NAMES`, or those that stand for them."""
    if name in table:
        return _RowNames.of(table.texts(name), len(table))
    if name == "clip":
        return _RowNames.of(map(os.path.dirname, _texts(paths)), len(table))
    return _RowNames.of(repeat("", len(table)), len(table))


def _clip_numbers(names: Sequence[_RowNames]) -> tuple[np.ndarray, int]:
    """[rows] int32 the clip of each row, in the order of their names; and the number of clips."""
    rows = len(names[0].ranks)
    numbers, count = names[0].ranks, len(names[0].different)
    for more in names[1:]:
        both, ordered = large_array(rows, np.int64), large_array(rows, np.int64)
        for part in parts_of(rows):
            both[part] = numbers[part].astype(np.int64) * len(more.different) + more.ranks[part]
            ordered[part] = both[part]
        ordered.sort()
        different = np.unique(np.concatenate([np.unique(ordered[part]) for part in parts_of(rows)]))
        numbers, count = large_array(rows, np.int32), len(different)
        for part in parts_of(rows):
            numbers[part] = np.searchsorted(different, both[part])
    return numbers, count


def _gathered(clips: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """[rows] int64, the rows of each clip one after another as they are in the table; and where each clip's end.

    Args:
        clips: [rows] the clip of each row.
        count: number of clips.
    """
    lengths = np.zeros(count, np.int64)
    for part in parts_of(len(clips)):
        found, times = np.unique(clips[part], return_counts=True)
        lengths[found] += times
    ends = np.cumsum(lengths)
    room = ends - lengths
    rows = large_array(len(clips), np.int64)
    for part in parts_of(len(clips)):
        order = np.argsort(clips[part], kind="stable")
        ordered = clips[part][order]
        found, first, times = np.unique(ordered, return_index=True, return_counts=True)
        rows[room[ordered] + np.arange(len(ordered)) - np.repeat(first, times)] = part.start + order
        room[found] += times
    return rows, ends


class _Rows:
    """The rows of a table, which clips are made of."""

    def __init__(
        self,
        fps: float,
        paths: pa.Array,
        names: Sequence[_RowNames],
        times: np.ndarray | None,
        frames: np.ndarray | None,
        labels: Mapping[str, np.ndarray],
        splits: np.ndarray | None,
    ) -> None:
        """
        Args:
            fps: frames per second where frames are numbered without gaps.
            paths: of the images below the root.
            names: of `NAMES`.
            times, frames: [rows]; None without such a column.
            labels: name → [rows].
            splits: [rows]; None without such a column.
        """
        self._fps, self._paths, self._names = fps, paths, names
        self._times, self._frames, self._labels, self._splits = times, frames, labels, splits
        self._order, self._ends = _gathered(*_clip_numbers(names))

    def check(self, table: Table) -> None:
        """
        Raises:
            UserError: where two frames of a clip are at one moment, or a clip is in two splits.
        """
        moments, column = (self._frames, "frame") if self._times is None else (self._times, "time")
        if moments is None and self._splits is None:
            return
        for rows in self._of_clips():
            if moments is not None:
                table.check_rising(moments[rows], rows, column)
            if self._splits is not None:
                table.check_same(self._splits[rows], rows, "split")

    def clips(self) -> Iterator[ListedClip]:
        """The clips in the order of their names."""
        return map(self._clip, self._of_clips())

    def _of_clips(self) -> Iterator[np.ndarray]:
        """The rows of each clip. They are in the order of the frames where there are times or numbers."""
        within = self._frames if self._times is None else self._times
        start = 0
        for end in self._ends:
            rows = self._order[start:end]
            yield rows if within is None else rows[np.argsort(within[rows], kind="stable")]
            start = end

    def _clip(self, rows: np.ndarray) -> ListedClip:
        paths = self._paths.take(pa.array(rows)).to_pylist()
        if self._times is None and self._frames is None:
            by_name = np.argsort(_RowNames.of(paths, len(paths)).ranks, kind="stable")
            rows, paths = rows[by_name], [paths[row] for row in by_name]
        files = [os.path.basename(path) for path in paths]
        frames = self._frames
        numbers = numbers_of(frame_numbers(files), len(files)) if frames is None else frames[rows]
        if self._times is not None:
            moments = self._times[rows]
        elif frames is not None:
            moments = number_times(numbers.tolist(), self._fps)
        else:
            moments = frame_times(files, self._fps)
        identity, video, clip = (names.at(rows[0]) for names in self._names)
        labels = {name: values[rows] for name, values in self._labels.items()}
        split = "" if self._splits is None else str(self._splits[rows[0]])
        return ListedClip(identity, video, clip, paths, numbers, moments, labels=labels, split=split)


def _texts(array: pa.Array) -> Iterator[str]:
    """The texts one after the other."""
    for start in range(0, len(array), _AT_ONCE):
        yield from array.slice(start, _AT_ONCE).to_pylist()


def _in_a_file(texts: Iterator[str]) -> pa.Array:
    """The texts in a temporary file, memory-mapped.

    Raises:
        SslToolboxError: where the disk is full.
    """
    folder = Path(gettempdir())
    with writing(folder), JoinedTable(folder) as joined:
        while part := list(islice(texts, _AT_ONCE)):
            joined.append(pa.table({"text": pa.array(part, pa.large_string())}))
        return joined.column("text")
