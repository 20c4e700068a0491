"""Long work in numbered shards, each written atomically, so that the work can be resumed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from ssltoolbox.api import SslToolboxError
from ssltoolbox.data.index.schema import write_table
from ssltoolbox.support.files import replaced

_JOB = "job.json"


class Shards:
    """A folder of Arrow tables, `0.arrow`, `1.arrow`, …, of one job.

    A mapping describes the job. Shards of another job (other frames, other options) are removed.
    """

    def __init__(self, folder: Path, job: Mapping[str, Any]) -> None:
        """
        Args:
            folder: the folder of the shards until the job is done.
            job: everything that the shards depend on, as JSON.

        Raises:
            SslToolboxError: where it can't be written to.
        """
        self.folder = folder
        text = json.dumps(job, indent=2, sort_keys=True) + "\n"
        described = folder / _JOB
        if described.is_file() and described.read_text(encoding="utf-8") == text:
            return
        self.remove()
        with replaced(described) as part:
            part.write_text(text, encoding="utf-8")

    def has(self, number: int) -> bool:
        """True if that shard is done."""
        return self._path(number).is_file()

    def write(self, number: int, table: pa.Table) -> None:
        """Writes a shard atomically."""
        write_table(self._path(number), table)

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
