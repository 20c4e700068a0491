"""Where each frame begins in its tar file. Members are named `identity/clip/frame.jpg`.

Make it once: `python -m tar_shards.index FOLDER`.
"""

import json
import sys
import tarfile
from functools import lru_cache
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from ssltoolbox.api import DataNotFound

FRAME = np.dtype([("shard", np.int32), ("offset", np.int64), ("size", np.int64)])
CLIP = np.dtype([("first", np.int64), ("frames", np.int64), ("identity", np.int64)])


class Index(NamedTuple):
    """Memory-mapped, so that processes share it.

    Attributes:
        shards: the names of the tar files.
        frames: [frames] of FRAME, clip after clip.
        clips: [clips] of CLIP.
    """

    shards: list[str]
    frames: np.ndarray
    clips: np.ndarray


@lru_cache
def open_index(root):
    """The index of a folder, opened once in a process."""
    try:
        shards = json.loads((root / "shards.json").read_text())
        return Index(shards, *(np.load(root / f"{name}.npy", mmap_mode="r") for name in ("frames", "clips")))
    except FileNotFoundError as error:
        raise DataNotFound(
            f"there is no {error.filename}", f"run: python -m tar_shards.index {root}"
        ) from error


def write_index(root):
    """Reads the tar files of a folder, and writes `shards.json`, `frames.npy` and `clips.npy` beside them."""
    shards = sorted(path.name for path in root.glob("*.tar"))
    members = []
    for number, name in enumerate(shards):
        with tarfile.open(root / name) as shard:
            for member in filter(tarfile.TarInfo.isfile, shard):
                *_, person, clip, frame = PurePosixPath(member.name).parts
                members.append((person, clip, frame, (number, member.offset_data, member.size)))
    members.sort()
    people = {name: number for number, name in enumerate(sorted({person for person, *_ in members}))}
    clips, first = [], 0
    for (person, _), group in groupby(members, key=lambda member: member[:2]):
        count = len(list(group))
        clips.append((first, count, people[person]))
        first += count
    (root / "shards.json").write_text(json.dumps(shards))
    np.save(root / "frames.npy", np.array([place for *_, place in members], FRAME))
    np.save(root / "clips.npy", np.array(clips, CLIP))


if __name__ == "__main__":
    write_index(Path(sys.argv[1]))
