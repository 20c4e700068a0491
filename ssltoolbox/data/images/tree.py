"""Finds clips in a tree of folders, `root/identity/video/clip/*.jpg|png`.

Published face crops of VoxCeleb1, `A.J._Buckley/1.6/<video>/0000025.jpg`, have this shape, with names as
identities. Hidden files and folders, and files of other types, are passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.data.images.naming import in_natural_order
from ssltoolbox.support.paths import printable

IMAGE_TYPES = (".jpg", ".jpeg", ".png")
LANDMARKS_FILE = "landmarks68.npy"
LAYOUT = "<identity>/<video>/<clip>/<frame>.jpg or .png"
_LEVELS = 4


class FoundClip(NamedTuple):
    """A folder with frames in it.

    Attributes:
        folder: its path below the root.
        frames: the names of its images, in natural order.
        landmarks: whether a landmarks file lies beside them.
    """

    folder: str
    frames: list[str]
    landmarks: bool


class Tree:
    """A root folder and what lies in it. Listing is lazy; nothing is kept.

    Links are followed only to places inside of the root.
    """

    def __init__(self, root: Path) -> None:
        """
        Raises:
            DataNotFound: where there is no such folder.
            UserError: where the root is no folder.
        """
        if not os.path.exists(root):
            raise DataNotFound(f"{printable(root)}: there is no such folder")
        if not os.path.isdir(root):
            raise UserError(f"{printable(root)}: a folder is needed, this is a file")
        self.root = root
        self._real_root = os.path.realpath(root)

    def identities(self) -> list[str]:
        """The names of the folders in the root, in natural order."""
        return self.folders("")

    def clips(self, identity: str) -> Iterator[FoundClip]:
        """The identity's clips, in natural order.

        Raises:
            UserError: where a folder can't be listed, or a link leads out of the root.
        """
        for video in self.folders(identity):
            for clip in self.folders(os.path.join(identity, video)):
                found = self.clip(os.path.join(identity, video, clip))
                if found.frames:
                    yield found

    def clip(self, folder: str) -> FoundClip:
        """What frames lie in a folder below the root; there may be none."""
        files = [entry for entry in self._entries(folder) if _is_ours(entry.name) and entry.is_file()]
        for entry in files:
            self._check_link(entry)
        names = [entry.name for entry in files if entry.name != LANDMARKS_FILE]
        return FoundClip(folder, in_natural_order(names), landmarks=len(names) < len(files))

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in a folder below the root, in natural order."""
        folders = [entry for entry in self._entries(folder) if entry.is_dir()]
        for entry in folders:
            self._check_link(entry)
        return in_natural_order(entry.name for entry in folders)

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        path = os.path.join(self.root, folder)
        try:
            with os.scandir(path) as entries:
                yield from (entry for entry in entries if not entry.name.startswith(".") and _is_there(entry))
        except OSError as error:
            raise UserError(f"{printable(error.filename or path)}: {error.strerror}") from error

    def _check_link(self, entry: os.DirEntry[str]) -> None:
        if not entry.is_symlink():
            return
        target = Path(os.path.realpath(entry.path))
        if not target.is_relative_to(self._real_root):
            raise UserError(
                f"{printable(entry.path)}: this link leads out of {printable(self.root)}; "
                "only links that stay inside are followed: move the data there, or remove the link"
            )

    def check_layout(self) -> None:
        """
        Raises:
            UserError: where no identity has a clip: what was expected, and what was found.
        """
        if any(True for identity in self.identities() for _ in self.clips(identity)):
            return
        expected = f"{printable(self.root)}: no frames at {LAYOUT}"
        first = self._first_image()
        if first is None:
            raise UserError(f"{expected}; there is no .jpg, .jpeg or .png file in it")
        raise UserError(f"{expected}; the first image found is {printable(first)}{self._meant_root(first)}")

    def _meant_root(self, image: Path) -> str:
        """The root that would put the image where frames are expected, as a question."""
        surplus = len(image.parts) - _LEVELS
        if surplus > 0:
            meant = self.root.joinpath(*image.parts[:surplus])
        else:
            meant = Path(os.path.normpath(self.root.joinpath(*[".."] * -surplus)))
        return f": is the root meant to be {printable(meant)}?" if surplus else ""

    def _first_image(self) -> Path | None:
        for folder, subfolders, files in os.walk(self.root):
            subfolders[:] = in_natural_order(name for name in subfolders if not name.startswith("."))
            images = [name for name in files if is_image(name) and not name.startswith(".")]
            if images:
                return Path(folder, in_natural_order(images)[0]).relative_to(self.root)
        return None


def is_image(name: str) -> bool:
    """Whether the name ends as a JPEG's or a PNG's does.

    >>> is_image("0000001.JPG"), is_image("notes.txt")
    (True, False)
    """
    return name.lower().endswith(IMAGE_TYPES)


def _is_there(entry: os.DirEntry[str]) -> bool:
    """False for a link to nowhere or to itself."""
    return not entry.is_symlink() or os.path.exists(entry.path)


def _is_ours(name: str) -> bool:
    return is_image(name) or name == LANDMARKS_FILE
