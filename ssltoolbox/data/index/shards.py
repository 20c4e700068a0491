"""Long work in numbered shards, each written atomically, so that the work can be resumed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.data.index.schema import write_table
from ssltoolbox.support.clusters import Cluster
from ssltoolbox.support.files import own_name, replaced
from ssltoolbox.support.prepared import Prepare
from ssltoolbox.support.shard import Shard, one_at_a_time
from ssltoolbox.support.workers import as_done

_JOB = "job.json"
_SKIPPED = b"skipped"

Skipped = tuple[str, str]
"""The path of a file below the root, and why it could not be used."""


class Shards:
    """A folder of Arrow tables, `0.arrow`, `1.arrow`, …, of one job.

    A mapping describes the job. Shards of another job (other frames, other options) are removed, unless several
    processes share the folder.
    """

    def __init__(self, folder: Path, job: Mapping[str, Any], shared: bool = False) -> None:
        """
        Args:
            folder: the folder of the shards until the job is done.
            job: everything that the shards depend on, as JSON.
            shared: whether other processes may work on the same job now.

        Raises:
            UserError: where the folder is shared, and has shards of another job.
            SslToolboxError: where it can't be written to.
        """
        self.folder = folder
        text = json.dumps(job, indent=2, sort_keys=True) + "\n"
        if shared:
            with one_at_a_time(folder.parent):
                self._begin(text, shared)
        else:
            self._begin(text, shared)

    def _begin(self, text: str, shared: bool) -> None:
        described = self.folder / _JOB
        if described.is_file():
            if described.read_text(encoding="utf-8") == text:
                return
            if shared:
                raise UserError(
                    f"{self.folder} has work on other frames, or with other options",
                    "give each shard the same options; or, if no shard is at work, remove that folder",
                )
        self.remove()
        with replaced(described) as part:
            part.write_text(text, encoding="utf-8")

    def has(self, number: int) -> bool:
        """True if that shard is done."""
        return self._path(number).is_file()

    def write(self, number: int, table: pa.Table, skipped: Sequence[Skipped] = ()) -> None:
        """Writes a shard atomically. Two processes may write the same one, as after a cluster lost one of them.

        Args:
            number: of the shard.
            table: its rows.
            skipped: the files that its rows lack; see `skipped_in`.
        """
        own = self.own(f"{number}.arrow")
        write_table(own, table.replace_schema_metadata({_SKIPPED: json.dumps(skipped)}))
        os.replace(own, self._path(number))

    def own(self, name: str) -> Path:
        """A path below the folder that only this process writes to."""
        return self.folder / own_name() / name

    def read(self, number: int) -> pa.Table:
        """A shard that is done, memory-mapped."""
        return pa.ipc.open_file(pa.memory_map(str(self._path(number)))).read_all()

    def remove(self) -> None:
        """Removes the folder, when the job is done or starts again."""
        try:
            shutil.rmtree(self.folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise SslToolboxError(f"can't remove {self.folder}: {error.strerror or error}") from error

    def _path(self, number: int) -> Path:
        return self.folder / f"{number}.arrow"


def skipped_in(table: pa.Table) -> list[Skipped]:
    """The files that could not be used for a shard."""
    return [(path, reason) for path, reason in json.loads(table.schema.metadata[_SKIPPED])]


def work_through(
    shards: Shards,
    sizes: Sequence[int],
    work: Callable[..., int],
    task: Callable[[int], tuple[Any, ...]],
    *,
    workers: int | Cluster,
    tick: Callable[[int], object],
    shard: Shard | None = None,
    prepare: Prepare | None = None,
) -> None:
    """Does the blocks of a job that are not done yet.

    Args:
        shards: get the results.
        sizes: frames of each block.
        work: writes a block to the shards, and gives its frames.
        task: gives the arguments of `work` for the number of a block.
        workers: processes, or a cluster.
        tick: called with the frames that are done or not for this process, then with those of each block.
        shard: this process does only its share of the blocks.
        prepare: as in `as_done`.
    """
    blocks = range(len(sizes))
    left = [number for number in (shard.of(blocks) if shard else blocks) if not shards.has(number)]
    tick(sum(sizes) - sum(sizes[number] for number in left))
    for done in as_done(work, [task(number) for number in left], workers, prepare):
        tick(done)
