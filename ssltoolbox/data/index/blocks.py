"""The listed clips of an index, in blocks in a file: memory holds those of one block."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from ssltoolbox.data.index.listing import ListedClip
from ssltoolbox.support.files import own_name, replaced


@dataclass(frozen=True)
class Block:
    """A run of listed clips.

    Attributes:
        file, position: where they are, and from which byte.
        frames: how many they have.
    """

    file: Path
    position: int
    frames: int

    def clips(self) -> list[ListedClip]:
        """The clips, from the file."""
        with self.file.open("rb") as file:
            file.seek(self.position)
            clips: list[ListedClip] = pickle.load(file)
        return clips


@dataclass(frozen=True)
class Blocks:
    """
    Attributes:
        blocks: all clips.
        digest: of everything that their index depends on.
        landmarks: whether a clip has a landmarks file.
    """

    blocks: Sequence[Block]
    digest: str
    landmarks: bool

    @property
    def frames(self) -> int:
        return sum(block.frames for block in self.blocks)


@contextmanager
def in_blocks(clips: Iterable[ListedClip], size: int, folder: Path, *of: object) -> Iterator[Blocks]:
    """Writes clips to a file of this process in a folder, and removes it at the end.

    Args:
        clips: in the order of the index; each is asked for once.
        size: frames of a block; the last clip of a block may exceed it.
        folder: for the file.
        of: what the index depends on besides the clips.

    Raises:
        SslToolboxError: when the file can't be written.
    """
    digest = blake2b(repr(of).encode(), digest_size=16)
    blocks: list[Block] = []
    landmarks = False
    path = folder / own_name()
    with replaced(path) as part, part.open("wb") as file:
        for group in _grouped(clips, size):
            for clip in group:
                _add(digest, clip)
                landmarks = landmarks or bool(clip.landmarks)
            blocks.append(Block(path, file.tell(), sum(len(clip.paths) for clip in group)))
            pickle.dump(group, file)
    try:
        yield Blocks(blocks, digest.hexdigest(), landmarks)
    finally:
        path.unlink(missing_ok=True)


def _grouped(clips: Iterable[ListedClip], size: int) -> Iterator[list[ListedClip]]:
    group: list[ListedClip] = []
    room = size
    for clip in clips:
        group.append(clip)
        room -= len(clip.paths)
        if room <= 0:
            yield group
            group, room = [], size
    if group:
        yield group


def _add(digest: blake2b, clip: ListedClip) -> None:
    named = (clip.identity, clip.video, clip.clip, clip.paths, clip.landmarks)
    digest.update(repr((*named, clip.split, *clip.labels)).encode())
    for values in (clip.numbers, clip.times, *clip.labels.values()):
        digest.update(values.tobytes())
    if clip.tar:
        digest.update(repr((clip.tar.number, clip.tar.name, clip.tar.landmarks)).encode())
        digest.update(clip.tar.ranges.tobytes())
