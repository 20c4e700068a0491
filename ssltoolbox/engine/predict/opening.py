"""Opens what a user names: a video, a folder of videos or of images, or an index, as sources of faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ssltoolbox.api import UserError
from ssltoolbox.data.extract.videos import other_files, videos_in
from ssltoolbox.data.index.columns import TYPES
from ssltoolbox.data.index.schema import is_index
from ssltoolbox.engine.predict.sources import (
    ImageFaces,
    Read,
    folder_faces,
    index_faces,
)


@dataclass(frozen=True)
class Named:
    """What a path names.

    Attributes:
        path: as given.
        videos: the videos; empty for images.
        others: files of other types in a folder of videos.
    """

    path: Path
    videos: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()

    @property
    def is_video(self) -> bool:
        """True for a single video, not a folder."""
        return self.path.is_file()

    def name_of(self, video: Path) -> str:
        """The path of a video below the folder."""
        below = self.path.parent if self.is_video else self.path
        return video.relative_to(below.absolute()).as_posix()


def look_at(path: Path) -> Named:
    """What a path names; a folder with videos in it is a folder of videos.

    Raises:
        UserError: where there is no such file or folder.
    """
    if not (path.is_file() or path.is_dir()):
        raise UserError(
            f"{path}: there is no such file or folder",
            "name a video, a folder of videos or images, or an index of frames",
        )
    if path.suffix.lower() in TYPES and path.is_file():
        raise UserError(
            f"{path} is a table", f"make an index of it: ssltoolbox data index {path} -o faces.index"
        )
    if is_index(path):
        return Named(path)
    videos = tuple(videos_in(path))
    return Named(path, videos, tuple(other_files([path])) if videos else ())


def image_source(path: Path, fps: float, read: Read) -> ImageFaces:
    """All images of a folder or of an index.

    Raises:
        DataNotFound, UserError: where there is none, or the index can't be used.
    """
    return index_faces(path, read) if is_index(path) else folder_faces(path, fps, read)
