"""Finds clips in a tree of folders, `root/identity/video/clip/*.jpg`.

Published face crops of VoxCeleb1, `A.J._Buckley/1.6/<video>/0000025.jpg`, have this layout, with names as
identities. Hidden files and folders are ignored. Folders that the toolbox wrote, and pictures of other types, are
left out and counted.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.data.images.files import FORMATS
from ssltoolbox.data.images.naming import in_natural_order
from ssltoolbox.support.paths import printable

IMAGE_TYPES = tuple(ending for endings in FORMATS.values() for ending in endings)
OTHER_PICTURES = (
    ".arw", ".avif", ".cr2", ".dng", ".exr", ".gif", ".heic", ".heif", ".jp2", ".jxl", ".nef", ".pgm", ".pnm",
    ".ppm", ".psd", ".svg", ".tga",
)  # fmt: skip
"""Pictures that are not read."""
LANDMARKS_FILE = "landmarks68.npy"
LAYOUT = "<identity>/<video>/<clip>/<frame>.jpg"
_LEVELS = 4
OUTPUTS: Mapping[str, frozenset[str]] = {
    "run folder": frozenset({"recipe.yaml", "environment.json"}),
    "benchmark folder": frozenset({"results.json", "jobs"}),
    "index": frozenset({"index.json", "clips.arrow"}),
}
"""Folders that the toolbox writes → names in them by which they are recognised."""


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
    """A root folder. Its content is listed lazily.

    Links out of the root are followed only with `follow_links`.

    Attributes:
        name: the root, as text.
    """

    def __init__(self, root: Path, *, follow_links: bool = False, lenient: bool = False) -> None:
        """
        Args:
            root: the folder.
            follow_links: also follow links that lead out of it.
            lenient: record, instead of raising an error, folders that can't be listed and links that are not
                followed.

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
        self._begin(str(root), follow_links, lenient)

    def _begin(self, name: str, follow_links: bool, lenient: bool) -> None:
        self.name = name
        self.follow_links = follow_links
        self._lenient = lenient
        self._outputs: dict[str, str] = {}
        self._pictures: dict[str, list[str]] = {}
        self._reasons: dict[str, str] = {}

    @property
    def left_out(self) -> dict[str, int]:
        """Counts of folders of the toolbox and of pictures of other types, in the folders listed so far."""
        pictures = (_ending(name) for names in self._pictures.values() for name in names)
        return dict(Counter([*self._outputs.values(), *(f"{ending} file" for ending in pictures)]))

    @property
    def reasons(self) -> Collection[tuple[str, str]]:
        """Path below the root, and reason, of everything that a lenient listing has left out so far; it grows."""
        return self._reasons.items()

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
        """The frames of a folder below the root; there may be none."""
        entries = self._entries(folder)
        files = [entry for entry in entries if _is_ours(entry.name) and entry.is_file()]
        names = [entry.name for entry in files if self._may_follow(entry)]
        others = [entry.name for entry in entries if entry.name.lower().endswith(OTHER_PICTURES)]
        if others:
            self._pictures[folder] = others
        frames = [name for name in names if name != LANDMARKS_FILE]
        return FoundClip(folder, in_natural_order(frames), landmarks=len(frames) < len(names))

    def folders(self, folder: str) -> list[str]:
        """The names of the folders in a folder below the root, in natural order."""
        folders = [entry for entry in self._entries(folder) if entry.is_dir()]
        return in_natural_order(entry.name for entry in folders if self._may_follow(entry))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        """The entries of a folder; none for a folder that the toolbox wrote."""
        entries = [entry for entry in self._scan(folder) if not entry.name.startswith(".")]
        names = {entry.name for entry in entries}
        for output, marks in OUTPUTS.items():
            if folder and marks <= names:
                self._outputs[folder] = output
                return []
        return entries

    def _scan(self, folder: str) -> list[os.DirEntry[str]]:
        """All that a folder has."""
        path = os.path.join(self.root, folder)
        try:
            with os.scandir(path) as found:
                return list(filter(_is_there, found))
        except OSError as error:
            self._refuse(error.filename or path, error.strerror or str(error))
            return []

    def _may_follow(self, entry: os.DirEntry[str]) -> bool:
        if self.follow_links or not entry.is_symlink():
            return True
        if Path(os.path.realpath(entry.path)).is_relative_to(self._real_root):
            return True
        reason = f"this link leads out of {printable(self.root)}; it is followed only if follow_links says so"
        self._refuse(entry.path, reason)
        return False

    def _refuse(self, path: str, reason: str) -> None:
        if not self._lenient:
            raise UserError(f"{printable(path)}: {reason}")
        self._reasons[printable(os.path.relpath(path, self.root))] = reason

    def has_clips(self) -> bool:
        """Whether an identity has a clip."""
        return any(True for identity in self.identities() for _ in self.clips(identity))

    def check_layout(self) -> None:
        """
        Raises:
            UserError: if no identity has a clip; says what was expected and what was found.
        """
        if self.has_clips():
            return
        expected = f"{printable(self.root)}: no frames at {LAYOUT}"
        if self._reasons:
            path, reason = next(iter(self._reasons.items()))
            raise UserError(f"{expected}; {len(self._reasons):,} left out, the first, {path}: {reason}")
        image, endings = self._first_image()
        if image is None:
            found = ", ".join(
                f"{count:,} {ending or 'without a type'}" for ending, count in endings.most_common(5)
            )
            raise UserError(
                f"{expected}; there is no image in it"
                + (f", only files of other types: {found}" if found else "")
            )
        raise UserError(f"{expected}; the first image is at {printable(image)}", self._advice(image))

    def _advice(self, image: Path) -> str:
        """What to do about images at another depth."""
        surplus = len(image.parts) - _LEVELS
        if surplus > 0:
            meant = self.root.joinpath(*image.parts[:surplus])
            return f"is the root meant to be {printable(meant)}?"
        folders = len(image.parts) - 1
        there = {0: "there is none", 1: "there is one"}.get(folders, f"there are {folders}")
        advice = (
            f"a frame lies in folders for its identity, video and clip, and {there}: move the images, or name "
            "them in a table with the columns path and identity (ssltoolbox data index faces.csv)"
        )
        if not folders:
            return advice
        above = os.path.normpath(self.root.joinpath(*[".."] * -surplus))
        return f"{advice}; where the missing folders lie above, the root is {printable(above)}"

    def _first_image(self) -> tuple[Path | None, Counter[str]]:
        """The first image below the root, and counts of the other types of files before it."""
        endings: Counter[str] = Counter()
        for folder, subfolders, files in os.walk(self.root):
            subfolders[:] = in_natural_order(name for name in subfolders if not name.startswith("."))
            if any(marks <= {*files, *subfolders} for marks in OUTPUTS.values()):
                subfolders.clear()
                continue
            shown = [name for name in files if not name.startswith(".")]
            if images := list(filter(is_image, shown)):
                return Path(folder, in_natural_order(images)[0]).relative_to(self.root), endings
            endings.update(map(_ending, shown))
        return None, endings


def is_image(name: str) -> bool:
    """Whether the name ends as that of an image that is read.

    >>> is_image("0000001.JPG"), is_image("notes.txt")
    (True, False)
    """
    return name.lower().endswith(IMAGE_TYPES)


def _ending(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _is_there(entry: os.DirEntry[str]) -> bool:
    """False for a link to nowhere or to itself."""
    return not entry.is_symlink() or os.path.exists(entry.path)


def _is_ours(name: str) -> bool:
    return is_image(name) or name == LANDMARKS_FILE
