"""The clips of one split of a folder of frames, in compact form."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssltoolbox.api import Split, UserError
from ssltoolbox.data.images.naming import frame_times
from ssltoolbox.data.images.remote_tree import RemoteTree
from ssltoolbox.data.images.roots import ImageRoot
from ssltoolbox.data.images.tree import IMAGE_TYPES, LANDMARKS_FILE, FoundClip, Tree
from ssltoolbox.data.splits import no_identity, split_of
from ssltoolbox.support.paths import printable
from ssltoolbox.support.remote import RemoteFolder


@dataclass(frozen=True, eq=False)
class FrameFolder:
    """The clips of a split, by number.

    A large tree has a million file names. They are kept in one buffer of bytes, `folder NUL frame NUL frame …`
    for each clip, so that copying them to a worker is fast.

    Attributes:
        root: the folder, on this machine or on remote storage.
        identities: [clips] int32, the identity's number among the folders of the root, in every split.
        lengths: [clips] int32 frames.
        with_landmarks: [clips] bool, True if there is a landmarks file.
        left_out: things that are not data, and their numbers; see `Tree.left_out`.
    """

    root: ImageRoot
    identities: np.ndarray
    lengths: np.ndarray
    with_landmarks: np.ndarray
    left_out: Mapping[str, int]
    _names: bytes
    _ends: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    def name(self, clip: int) -> str:
        """The clip's folder below the root, for messages."""
        return printable(self._parts(clip)[0])

    def times(self, clip: int, fps: float) -> np.ndarray:
        """[frames] float64 seconds; see `frame_times`."""
        return frame_times(self._parts(clip)[1:], fps)

    def frames(self, clip: int, numbers: Sequence[int] | None = None) -> list[str]:
        """Paths below the root of the clip's images with these numbers; None takes all, in natural order."""
        folder, *names = self._parts(clip)
        wanted = names if numbers is None else [names[number] for number in numbers]
        return [os.path.join(folder, name) for name in wanted]

    def landmarks(self, clip: int) -> str | None:
        """The path below the root of the clip's landmarks file, where it has one."""
        return os.path.join(self._parts(clip)[0], LANDMARKS_FILE) if self.with_landmarks[clip] else None

    def _parts(self, clip: int) -> list[str]:
        """The clip's folder, then the names of its frames."""
        start = int(self._ends[clip - 1]) if clip else 0
        return os.fsdecode(self._names[start : int(self._ends[clip])]).split("\0")


def read_folder(
    root: Path | RemoteFolder, split: Split, *, val: float, test: float, follow_links: bool = False
) -> FrameFolder:
    """Lists the clips of a split; images and landmarks are not opened.

    Raises:
        DataNotFound: where there is no such folder.
        UserError: where it can't be used: no frames where they are expected, no identity for a split that is
            to have some, a folder that can't be listed, a link that leads out of the root and is not followed.
    """
    tree = RemoteTree(root) if isinstance(root, RemoteFolder) else Tree(root, follow_links=follow_links)
    everyone = tree.identities()
    chosen = [(number, name) for number, name in enumerate(everyone) if split_of(name, val, test) == split]
    folder = _pack(root, tree, ((number, clip) for number, name in chosen for clip in tree.clips(name)))
    if not len(folder):
        tree.check_layout()
        no_identity(tree.name, len(everyone), split, val=val, test=test)
    return folder


def read_any_folder(root: Path) -> FrameFolder:
    """Lists all images below a folder, however deep: those of one folder are a clip, and an identity of their own.

    Raises:
        DataNotFound: where there is no such folder.
        UserError: where it has no image, or can't be listed.
    """
    tree = Tree(root)
    folder = _pack(root, tree, enumerate(_with_images(tree, "")))
    if not len(folder):
        raise UserError(
            f"{printable(root)}: there is no image in it", f"images end in {', '.join(IMAGE_TYPES)}"
        )
    return folder


def _with_images(tree: Tree, folder: str) -> Iterator[FoundClip]:
    found = tree.clip(folder)
    if found.frames:
        yield found
    for name in tree.folders(folder):
        yield from _with_images(tree, os.path.join(folder, name))


def _pack(root: Path | RemoteFolder, tree: Tree, found: Iterable[tuple[int, FoundClip]]) -> FrameFolder:
    names = bytearray()
    identities, lengths, landmarks, ends = [], [], [], []
    for identity, clip in found:
        names += os.fsencode("\0".join([clip.folder, *clip.frames]))
        identities.append(identity)
        lengths.append(len(clip.frames))
        landmarks.append(clip.landmarks)
        ends.append(len(names))
    return FrameFolder(
        root=ImageRoot(root, tree.follow_links),
        identities=np.array(identities, dtype=np.int32),
        lengths=np.array(lengths, dtype=np.int32),
        with_landmarks=np.array(landmarks, dtype=bool),
        left_out=tree.left_out,
        _names=bytes(names),
        _ends=np.array(ends, dtype=np.int64),
    )
