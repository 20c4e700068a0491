"""Finds clips in a tree of folders on remote storage, whose files are listed at once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from ssltoolbox.api import UserError
from ssltoolbox.data.images.tree import LAYOUT, Tree
from ssltoolbox.support.remote import RemoteFolder


@dataclass(frozen=True)
class _Entry:
    """What a folder has, as `os.DirEntry` has it. Storage has no links."""

    name: str
    folder: bool

    def is_dir(self) -> bool:
        return self.folder

    def is_file(self) -> bool:
        return not self.folder

    def is_symlink(self) -> bool:
        return False


class RemoteTree(Tree):
    """A root folder on remote storage."""

    def __init__(self, folder: RemoteFolder) -> None:
        """
        Raises:
            DataNotFound: where there is no such folder.
            UserError: where the storage can't be read.
        """
        self._begin(folder.url, follow_links=False, lenient=False)
        self._folders: dict[str, dict[str, _Entry]] = {}
        for name in folder.names():
            self._add(name)

    def _add(self, name: str) -> None:
        """Adds a file, and the folders above it."""
        is_folder = False
        while name:
            above, base = os.path.split(name)
            entries = self._folders.setdefault(above, {})
            if base in entries:
                return
            entries[base] = _Entry(base, is_folder)
            name, is_folder = above, True

    def _scan(self, folder: str) -> list[Any]:
        return list(self._folders.get(folder, {}).values())

    def check_layout(self) -> None:
        if not self.has_clips():
            found = ", ".join(list(self._folders[""])[:3])
            raise UserError(f"{self.name}: no frames at {LAYOUT}; it has {found}")
