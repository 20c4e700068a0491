"""Which files are videos, whose face they show, and where their frames go."""

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


def find_videos(places: Sequence[Path], identity: Identity = "parent") -> list[Video]:
    """The videos among files and in folders, in natural order. Hidden ones are passed over.

    Args:
        places: a file is taken whatever its type; of a folder, and the folders in it, those of `VIDEO_TYPES`.
        identity: whose face a video shows: that of its `parent` folder, of the `top` folder below the place
            that was named (what lies between becomes part of the video's name), or of the `video` itself.

    Raises:
        DataNotFound: where a place is not there.
        UserError: where there is no video, or two would have the same folder.
    """
    found: dict[tuple[str, str], Video] = {}
    for place in places:
        for path in _videos(place):
            video = _named(path, place.absolute(), identity)
            other = found.setdefault((video.identity, video.name), video)
            if other.path != path:
                raise UserError(
                    f"{printable(other.path)} and {printable(path)} would both become "
                    f"{printable(video.identity)}/{printable(video.name)}",
                    "rename one, or choose another --identity",
                )
    if not found:
        listed = ", ".join(printable(place) for place in places)
        raise UserError(f"{listed}: there is no video in it", f"videos end in {', '.join(VIDEO_TYPES)}")
    return list(found.values())


def other_files(places: Sequence[Path]) -> list[Path]:
    """The files in folders among `places` that are passed over for their type, in natural order."""
    return [path for place in places if place.is_dir() for path in _walk(place) if not _is_video(path)]


def _videos(place: Path) -> Iterator[Path]:
    if not place.exists():
        raise DataNotFound(f"{printable(place)}: there is no such file or folder")
    if place.is_dir():
        yield from filter(_is_video, _walk(place))
    else:
        yield place.absolute()


def _is_video(path: Path) -> bool:
    return path.name.lower().endswith(VIDEO_TYPES)


def _walk(place: Path) -> Iterator[Path]:
    """The files in a folder, the hidden ones left out."""
    for folder, subfolders, names in os.walk(place.absolute()):
        subfolders[:] = in_natural_order(name for name in subfolders if not name.startswith("."))
        yield from (Path(folder, name) for name in in_natural_order(names) if not name.startswith("."))


def _named(path: Path, place: Path, identity: Identity) -> Video:
    if identity == "video":
        return Video(path, path.stem, path.stem)
    if identity == "top" and path != place:
        top, *between = path.relative_to(place).parent.parts or (place.name,)
        return Video(path, top, "_".join([*between, path.stem]))
    return Video(path, path.parent.name, path.stem)
