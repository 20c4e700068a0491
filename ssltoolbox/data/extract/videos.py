"""Finds video files, and the identity and folder of each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.data.images.naming import in_natural_order
from ssltoolbox.support.paths import printable

VIDEO_TYPES = (
    ".3gp", ".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts",
    ".webm", ".wmv",
)  # fmt: skip
Identity = Literal["parent", "top", "video"]


@dataclass(frozen=True)
class Video:
    """A video file.

    Attributes:
        path: absolute.
        identity: the name of the person whose face it shows, and of that person's folder.
        name: the name of the folder of its clips.
    """

    path: Path
    identity: str
    name: str


def find_videos(sources: Sequence[Path], identity: Identity = "parent") -> list[Video]:
    """The videos among files and in folders, in natural order. Hidden ones are passed over.

    Args:
        sources: a file is taken whatever its type; of a folder, and the folders in it, those of `VIDEO_TYPES`.
        identity: the identity of a video: its `parent` folder, the `top` folder below the source
            (the folders in between become part of the name of the video), or the `video` itself.

    Raises:
        DataNotFound: if a path does not exist.
        UserError: if there is no video, or two videos would have the same folder.
    """
    found: dict[tuple[str, str], Video] = {}
    for source in sources:
        for path in videos_in(source):
            video = _named(path, source.absolute(), identity)
            other = found.setdefault((video.identity, video.name), video)
            if other.path != path:
                raise UserError(
                    f"{printable(other.path)} and {printable(path)} would both become "
                    f"{printable(video.identity)}/{printable(video.name)}",
                    "rename one, or choose another --identity",
                )
    if not found:
        listed = ", ".join(printable(source) for source in sources)
        raise UserError(f"{listed}: there is no video in it", f"videos end in {', '.join(VIDEO_TYPES)}")
    return list(found.values())


def other_files(sources: Sequence[Path]) -> list[Path]:
    """The files of other types in folders among `sources`, in natural order."""
    return [path for source in sources if source.is_dir() for path in _walk(source) if not _is_video(path)]


def videos_in(source: Path) -> Iterator[Path]:
    """The file itself, or the videos in a folder and the folders in it, in natural order; their absolute paths.

    Raises:
        DataNotFound: if the path does not exist.
    """
    if not source.exists():
        raise DataNotFound(f"{printable(source)}: there is no such file or folder")
    if source.is_dir():
        yield from filter(_is_video, _walk(source))
    else:
        yield source.absolute()


def _is_video(path: Path) -> bool:
    return path.name.lower().endswith(VIDEO_TYPES)


def _walk(source: Path) -> Iterator[Path]:
    """The files in a folder, the hidden ones left out."""
    for folder, subfolders, names in os.walk(source.absolute()):
        subfolders[:] = in_natural_order(name for name in subfolders if not name.startswith("."))
        yield from (Path(folder, name) for name in in_natural_order(names) if not name.startswith("."))


def _named(path: Path, source: Path, identity: Identity) -> Video:
    if identity == "video":
        return Video(path, path.stem, path.stem)
    if identity == "top" and path != source:
        top, *between = path.relative_to(source).parent.parts or (source.name,)
        return Video(path, top, "_".join([*between, path.stem]))
    return Video(path, path.parent.name, path.stem)
