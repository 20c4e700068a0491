"""Makes labelled images from the columns of a table: a user's table, folders, or a published set."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ssltoolbox.api import UserError
from ssltoolbox.data.images.naming import frame_numbers, in_natural_order, number_times
from ssltoolbox.data.images.tree import is_image
from ssltoolbox.data.index.cells import Table
from ssltoolbox.data.label_columns import NOT_LABELS, labels_of, missing_columns
from ssltoolbox.data.label_options import WrittenLabel
from ssltoolbox.data.labelled.images import LabelledImages
from ssltoolbox.support.paths import printable

GROUPS = ("identity", "clip", "split")
"""Groups that a pattern may find in a path."""
_BOX = ("left", "top", "width", "height")


def gather(
    table: Table,
    root: Path,
    written: Mapping[str, WrittenLabel] | None = None,
    *,
    fps: float = 25.0,
    pattern: str = "",
    guess: bool = True,
) -> LabelledImages:
    """The images that a table names.

    Args:
        table: with a column `path`: of an image, or of a folder that holds the frames of a clip.
        root: the folder that paths are below.
        written: name → the declaration of a label.
        fps: frames per second, where frames are numbered and have no times.
        pattern: a regular expression on paths with the groups `identity`, `clip` or `split`, for what the table
            has no column for.
        guess: whether columns that are not written may be labels.

    Raises:
        UserError: where the table can't be used, with line, column and reason.
    """
    written = written or {}
    if missing := next(missing_columns(table, written), None):
        raise UserError(f"{table.file}: there is no column {missing}", f"there are {', '.join(table.names)}")
    # An image with boxes may show several faces.
    own = [name for name in table.names if name != "path"]
    repeated = 0 if set(_BOX) <= set(own) else table.drop_repeated(own)
    labels = labels_of(table, written, but=NOT_LABELS if guess else table.names)
    paths = np.array(list(table.paths(root)), dtype=object)
    taken = _taken(table, paths, pattern)
    identity, clip, split = (taken[name] if name in taken else _texts(table, name) for name in GROUPS)
    rows, images = _frames(table, root, paths)
    if clip is None:
        clip, clips, clip_names = paths[rows], rows, paths
    else:
        if identity is not None:
            # Clips of different people often have the same numbers.
            clip = np.array([f"{who}/{what}" for who, what in zip(identity, clip, strict=True)], dtype=object)
        clip = clip[rows]
        clip_names, clips = _in_order_met(clip)
    people = clip if identity is None else np.where(identity[rows] == "", clip, identity[rows])
    times = _times(table, rows, images, clips, fps)
    order = np.lexsort([times, clips])
    found = LabelledImages(
        root=root,
        paths=images,
        splits=np.full(len(rows), "", object) if split is None else table.splits(split).astype(object)[rows],
        identities=np.unique(people.astype(str), return_inverse=True)[1].astype(np.int64),
        groups=people,
        clips=clips,
        clip_names=clip_names,
        times=times,
        folds=_folds(table)[rows],
        labels={name: label.at(rows) for name, label in labels.items()},
        boxes=_boxes(table, rows),
        left_out={"repeated row": repeated} if repeated else {},
    ).where(order)
    _check_rising(table, found, rows[order])
    _check_whole(table, found, rows[order])
    return found


def _texts(table: Table, name: str) -> np.ndarray | None:
    """[rows] of str; None without such a column."""
    return np.array(list(table.texts(name)), dtype=object) if name in table else None


def _taken(table: Table, paths: np.ndarray, pattern: str) -> dict[str, np.ndarray]:
    """Group → the texts that a pattern finds in the paths."""
    if not pattern:
        return {}
    expression = re.compile(pattern)
    found = []
    for row, path in enumerate(paths):
        match = expression.search(path)
        if match is None:
            table.fail(row, "path", f"{printable(path)!r} does not have the pattern {pattern}")
        found.append(match)
    return {
        name: np.array([match[name] or "" for match in found], dtype=object)
        for name in GROUPS
        if name in expression.groupindex
    }


def _frames(table: Table, root: Path, paths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The row of each image, and its path: rows that name a folder stand for the images in it."""
    rows: list[int] = []
    images: list[str] = []
    for row, path in enumerate(paths):
        found = [path]
        if not is_image(path) and os.path.isdir(os.path.join(root, path)):
            names = in_natural_order(filter(is_image, os.listdir(os.path.join(root, path))))
            found = [os.path.join(path, name) for name in names]
            if not found:
                table.fail(row, "path", f"no image lies in the folder {printable(path)}")
        rows += [row] * len(found)
        images += found
    return np.array(rows, np.int64), np.array(images, dtype=object)


def _in_order_met(names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct names in order of appearance, and [n] the number of each row's name."""
    numbers: dict[str, int] = {}
    found = np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)
    return np.array(list(numbers), dtype=object), found


def _times(table: Table, rows: np.ndarray, paths: np.ndarray, clips: np.ndarray, fps: float) -> np.ndarray:
    """[n] seconds: by the column `time`, else by the frames' numbers, else by the order of the names."""
    alone = np.bincount(rows).max(initial=0) <= 1
    if "time" in table and alone:
        return table.numbers("time", needed=True)[rows]
    numbered = table.whole_numbers("frame")[rows] if "frame" in table and alone else None
    times = np.zeros(len(rows))
    several = np.flatnonzero(np.bincount(clips)[clips] > 1)
    order = several[np.argsort(clips[several], kind="stable")]
    for members in filter(len, np.split(order, np.flatnonzero(np.diff(clips[order])) + 1)):
        if numbered is not None:
            members = members[np.argsort(numbered[members], kind="stable")]
            times[members] = number_times(numbered[members].tolist(), fps)
            continue
        names = in_natural_order(paths[members])
        rank = {path: position for position, path in enumerate(names)}
        members = members[np.argsort([rank[path] for path in paths[members]], kind="stable")]
        numbers = frame_numbers([os.path.basename(path) for path in paths[members]])
        times[members] = number_times(numbers or range(len(members)), fps)
    return times


def _folds(table: Table) -> np.ndarray:
    if "fold" not in table:
        return np.zeros(len(table), np.int64)
    folds = table.whole_numbers("fold")
    if (folds < 1).any():
        row = int(np.flatnonzero(folds < 1)[0])
        table.fail(row, "fold", f"{folds[row]} is not a fold: they are numbered from 1")
    return folds


def _boxes(table: Table, rows: np.ndarray) -> np.ndarray | None:
    if not set(_BOX) <= set(table.names):
        return None
    return np.stack([table.numbers(name, needed=True) for name in _BOX], axis=1)[rows]


def _check_rising(table: Table, found: LabelledImages, rows: np.ndarray) -> None:
    """
    Raises:
        UserError: where two frames of a clip are at the same moment.
    """
    same = np.flatnonzero((np.diff(found.clips) == 0) & (np.diff(found.times) <= 0))
    if len(same):
        first, second = sorted(rows[same[0] : same[0] + 2])
        column = "time" if "time" in table else "frame" if "frame" in table else "path"
        where = f"{table.where(first)} is at the same moment of the same clip"
        table.fail(second, column, f"{where}, {found.times[same[0]]:g} s")


def _check_whole(table: Table, found: LabelledImages, rows: np.ndarray) -> None:
    """
    Raises:
        UserError: where a clip is in two splits or folds.
    """
    for name in ("splits", "folds"):
        values: np.ndarray = getattr(found, name)
        torn = np.flatnonzero((np.diff(found.clips) == 0) & (values[1:] != values[:-1]))
        if len(torn):
            before, here = values[torn[0]], values[torn[0] + 1]
            clip = found.clip_names[found.clips[torn[0]]]
            table.fail(
                int(rows[torn[0] + 1]),
                name.removesuffix("s"),
                f"{here!s:.20}, but {before!s:.20} before: the clip {printable(str(clip))!r} is torn apart",
            )
