"""Where an index is written: a folder on this machine, or on remote storage."""

from __future__ import annotations

import shutil
from pathlib import Path

from ssltoolbox.api import UserError
from ssltoolbox.data.index.schema import HEADER
from ssltoolbox.data.index.shards import Shards
from ssltoolbox.support.files import appear, beside
from ssltoolbox.support.remote import RemoteFolder


def check_output(output: Path | RemoteFolder) -> None:
    """
    Raises:
        UserError: if the output exists, because an index may be hours of work; or its storage can't be read.
    """
    if output.exists() if isinstance(output, Path) else output.has(HEADER):
        raise UserError(f"{output} is already there", "remove it, or choose another name")


def work_folder(output: Path | RemoteFolder) -> Path:
    """The folder where an index is made; shards and interrupted commands find each other's work there."""
    return beside(output.absolute()) if isinstance(output, Path) else output.work


def finish(work: Path, shards: Shards, output: Path | RemoteFolder) -> None:
    """Makes a complete index appear, from the folder that this process has locked, and removes the shards.

    On remote storage the header is written last, so that an index with a header is complete. Until then the shards
    stay, and the same command copies the files again.

    Raises:
        UserError: if the storage can't be written to.
    """
    if isinstance(output, Path):
        shards.remove()
        appear(work, output)
        return
    files = [path for path in work.iterdir() if path.is_file() and not path.name.startswith(".")]
    output.put(sorted(files, key=lambda path: (path.name == HEADER, path.name)))
    shutil.rmtree(work)
