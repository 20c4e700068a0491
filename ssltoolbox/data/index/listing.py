"""The clips that an index is made of; lists those of a tree of folders, without opening images."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import numpy as np

from ssltoolbox.data.images.naming import frame_numbers, frame_times
from ssltoolbox.data.images.tree import LANDMARKS_FILE, FoundClip, Tree
from ssltoolbox.support.remote import RemoteFolder

_SCALE = re.compile(r"[0-9]+\.[0-9]+")
"""VoxCeleb1's folder `1.6`, named after the width of its crops, at the level of videos."""
_WRAPPER = "data"
"""The folder around the identities in VoxCeleb1's `unzippedIntervalFaces`."""
_LARGEST = 2**63


@dataclass(frozen=True, eq=False)
class TarPart:
    """Where the files of a clip are in a tar file.

    Attributes:
        number: of the tar file.
        name: its path below the root.
        ranges: [frames, 2] int64 position and number of each image's bytes.
        landmarks: the same of the landmarks file; None for none.
    """

    number: int
    name: str
    ranges: np.ndarray
    landmarks: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class ListedClip:
    """A clip, its frames in order.

    Attributes:
        identity, video, clip: names.
        paths: [frames] of the images below the root.
        numbers: [frames] int64.
        times: [frames] float64 seconds, strictly increasing.
        landmarks: the path below the root of a landmarks file with a row for each frame; empty for none.
        labels: name → [frames], or [frames, C] of a label of several columns.
        split: train, val or test; empty if not known.
        tar: for a clip in a tar file; its paths begin with that of the tar file.
    """

    identity: str
    video: str
    clip: str
    paths: Sequence[str]
    numbers: np.ndarray
    times: np.ndarray
    landmarks: str = ""
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)
    split: str = ""
    tar: TarPart | None = None


@dataclass(frozen=True)
class ClipListing:
    """The clips of a table or a folder.

    Attributes:
        root: the folder that the clips' paths are below, on this machine or on remote storage.
        fps: frames per second where frames are numbered without gaps.
        clips: sorted as they are to be in the index; those of folders and tables are made as they are asked for.
        follow_links: whether to follow links that lead out of the root, here and whenever the index is read.
        labels: names of the labels.
        classes: label → the names of its classes or columns.
        unused: columns of a table, or keys in tar files, that are no labels.
        repeated: how many rows of a table repeat an earlier row; they are left out.
        tars: path of a tar file below the root → its bytes; None for image files.
        reasons: path below the root, and reason, of all files that were left out so far; it grows.
        left_out: gives the number of other things that are no data, by what they are.
    """

    root: Path | RemoteFolder
    fps: float
    clips: Iterable[ListedClip]
    follow_links: bool = False
    labels: Sequence[str] = ()
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unused: Sequence[str] = ()
    repeated: int = 0
    tars: Mapping[str, int] | None = None
    reasons: Collection[tuple[str, str]] = ()
    left_out: Callable[[], Mapping[str, int]] = dict


def frames_root(folder: Path) -> Path:
    """The folder that holds the identities: `folder`, or `data` in it where there is nothing else.

    Raises:
        DataNotFound: where there is no such folder.
        UserError: where it can't be listed.
    """
    identities = Tree(folder, follow_links=True).identities()
    return folder / _WRAPPER if identities == [_WRAPPER] else folder


def list_tree(tree: Tree | Path, fps: float) -> Iterator[ListedClip]:
    """The clips of a tree of folders, in natural order. Folders are listed as the clips are asked for.

    `root/identity/video/clip/*.jpg`, and VoxCeleb1's `root/name/1.6/video/*.jpg`, also with a folder for each
    track below the video.

    Args:
        tree: the tree, or its root.
        fps: frames per second where frames are numbered without gaps.

    Raises:
        DataNotFound: where there is no such folder.
        UserError: where it has no frames, can't be listed, or a link leads out of it.
    """
    tree = tree if isinstance(tree, Tree) else Tree(tree)
    found = (
        _listed(identity, video, clip, files, fps)
        for identity in tree.identities()
        for video, clip, files in _clips(tree, identity)
        if files.frames
    )
    first = list(islice(found, 1))
    if not first:
        tree.check_layout()
    return chain(first, found)


def _clips(tree: Tree, identity: str) -> Iterator[tuple[str, str, FoundClip]]:
    for video in tree.folders(identity):
        for clip in tree.folders(os.path.join(identity, video)):
            folder = os.path.join(identity, video, clip)
            if not _SCALE.fullmatch(video):
                yield video, clip, tree.clip(folder)
                continue
            yield clip, video, tree.clip(folder)
            for track in tree.folders(folder):
                yield clip, track, tree.clip(os.path.join(folder, track))


def _listed(identity: str, video: str, clip: str, files: FoundClip, fps: float) -> ListedClip:
    return ListedClip(
        identity=identity,
        video=video,
        clip=clip,
        paths=[os.path.join(files.folder, name) for name in files.frames],
        numbers=numbers_of(frame_numbers(files.frames), len(files.frames)),
        times=frame_times(files.frames, fps),
        landmarks=os.path.join(files.folder, LANDMARKS_FILE) if files.landmarks else "",
    )


def numbers_of(numbers: list[int] | None, count: int) -> np.ndarray:
    """[frames] int64 numbers in the names of frames; their positions where there are none, or too large ones."""
    known = numbers if numbers and numbers[-1] < _LARGEST else range(count)
    return np.array(known, dtype=np.int64)
