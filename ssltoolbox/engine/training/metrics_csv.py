"""metrics.csv: one row for each logged step, appended to, and cut back to where a resumed run goes on."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import Logger
from pytorch_lightning.utilities import rank_zero_only

from ssltoolbox.api import SslToolboxError
from ssltoolbox.support.files import write_text


class MetricsCsv(Logger):
    """Lightning's logger for the run folder.

    Columns come as metrics do; when one is new the file is written again, beside and renamed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._rows: list[dict[str, str]] = []
        self._columns = ["step"]

    @property
    def name(self) -> str:
        """Lightning asks for one."""
        return "csv"

    @property
    def version(self) -> int:
        """Lightning asks for one."""
        return 0

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """The recipe is in the run folder already."""

    @rank_zero_only
    def go_on_from(self, step: int) -> None:
        """Takes up a file of an earlier part of the run, without what came after `step`."""
        if self.path.exists():
            with self.path.open(newline="") as file:
                reader = csv.DictReader(file)
                self._columns = list(reader.fieldnames or ["step"])
                # A killed run may leave half a line.
                complete = (row for row in reader if None not in row.values() and None not in row)
                self._rows = [row for row in complete if int(row["step"]) <= step]
            self._write_all()

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Adds to the row of a step. Lightning counts steps from 0; a row's step is the number of steps done.

        Raises:
            SslToolboxError: when the disk is full or can't be written to.
        """
        row = {"step": str((step or 0) + 1)} | {name: f"{value:.6g}" for name, value in metrics.items()}
        begun = self._rows[-1] if self._rows and self._rows[-1]["step"] == row["step"] else {}
        row = begun | row
        if row == begun:
            return  # a step is logged once more where it is saved
        if begun:
            self._rows.pop()
        self._rows.append(row)
        new = [name for name in row if name not in self._columns]
        if new or begun or not self.path.exists():
            self._columns += sorted(new)
            self._write_all()
        else:
            self._append(row)

    def _append(self, row: Mapping[str, str]) -> None:
        try:
            with self.path.open("a", newline="") as file:
                csv.DictWriter(file, self._columns, restval="").writerow(row)
        except OSError as error:
            raise SslToolboxError(f"can't write {self.path}: {error.strerror}") from error

    def _write_all(self) -> None:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self._columns, restval="")
        writer.writeheader()
        writer.writerows(self._rows)
        write_text(self.path, text.getvalue())
