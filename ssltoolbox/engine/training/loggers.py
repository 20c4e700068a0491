"""Where the metrics of a run go: metrics.csv, and the trackers that the recipe names."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pytorch_lightning.loggers import Logger as LightningLogger

from ssltoolbox.api import Ending, Kind, Logger, RunSetting, SslToolboxError, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.plan import Chosen, Plan
from ssltoolbox.recipe import dump
from ssltoolbox.support.files import write_json, write_text
from ssltoolbox.support.interruption import Interrupted

COMPLETE = "loss"
"""The metric that comes last in a step."""

log = logging.getLogger(__name__)


class Metrics(LightningLogger):
    """The one logger that Lightning knows: it writes each logged step to metrics.csv and sends it to the trackers.

    A row is the number of steps that are done, though Lightning counts from 0. What comes for one step in parts is
    one row. A tracker gets it when it is complete, once, also in a run that is resumed from an earlier step.

    Args:
        path: of metrics.csv; its rows of an earlier part of the run are kept.
        done: steps that are done: later rows are dropped, since they come again.
        trackers: get the rows that they have not had before.
    """

    def __init__(self, path: Path, done: int = 0, trackers: Sequence[Tracker] = ()) -> None:
        super().__init__()
        self.path = path
        self.trackers = tuple(trackers)
        self._rows: list[dict[str, str]] = []
        self._columns = ["step"]
        self._sent_step = self._take_up(done)
        self._waiting: dict[str, float] = {}

    @property
    def name(self) -> str:
        """Lightning asks for one."""
        return "metrics"

    @property
    def version(self) -> int:
        """Lightning asks for one."""
        return 0

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """The recipe is in the run folder, and the trackers have it already."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Adds to the row of a step, which Lightning counts from 0.

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
        self._send(row, metrics)

    def close(self, ending: Ending) -> None:
        """Reports to the trackers how training has ended."""
        for tracker in self.trackers:
            with self._left_out_if_it_fails(tracker):
                tracker.close(ending)

    def _take_up(self, done: int) -> int:
        """Keeps the rows up to `done`; gives the last step that there was, which the trackers have as well."""
        if not self.path.exists():
            return 0
        with self.path.open(newline="") as file:
            reader = csv.DictReader(file)
            self._columns = list(reader.fieldnames or ["step"])
            # A killed run may leave half a line.
            rows = [row for row in reader if None not in row.values() and None not in row]
        self._rows = [row for row in rows if int(row["step"]) <= done]
        self._write_all()
        return max((int(row["step"]) for row in rows if row.get(COMPLETE)), default=0)

    def _send(self, row: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        step = int(row["step"])
        if step <= self._sent_step:
            return
        self._waiting |= metrics
        if COMPLETE not in row:
            return
        self._sent_step = step
        waiting, self._waiting = self._waiting, {}
        for tracker in self.trackers:
            with self._left_out_if_it_fails(tracker):
                tracker.send(waiting, step)

    @contextmanager
    def _left_out_if_it_fails(self, tracker: Tracker) -> Iterator[None]:
        """A server that can't be reached must not end a run whose metrics are in metrics.csv."""
        try:
            yield
        except Exception as error:
            self.trackers = tuple(other for other in self.trackers if other is not tracker)
            log.warning("%s gets no more metrics: %s", tracker.name, first_line(error), exc_info=error)

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


@contextmanager
def metrics_of(plan: Plan, folder: RunFolder, done: int, more: Sequence[Logger] = ()) -> Iterator[Metrics]:
    """The logger of a run that goes on after `done` steps, with the loggers that its recipe names, and more.

    Raises:
        UserError: when a logger's package is not installed, or it can't start.
    """
    trackers = [_tracker(chosen, plan, folder) for chosen in plan.of(Kind.LOGGERS)]
    trackers += [Tracker(type(logger).__name__, logger) for logger in more]
    metrics = Metrics(folder.metrics, done, trackers)
    ending: Ending = "failed"
    try:
        yield metrics
        ending = "finished"
    except (Interrupted, KeyboardInterrupt):
        ending = "interrupted"
        raise
    finally:
        metrics.close(ending)


@dataclass(frozen=True)
class Tracker:
    """A logger of a plugin or of the caller.

    Attributes:
        name: as in a recipe.
        logger: what gets the metrics; see `Logger`.
    """

    name: str
    logger: Any

    def send(self, metrics: Mapping[str, float], step: int) -> None:
        """Sends the metrics of a step."""
        self.logger.log_metrics(metrics, step)

    def close(self, ending: Ending) -> None:
        """Reports to it how training has ended."""
        if hasattr(self.logger, "close"):
            self.logger.close(ending)
        elif hasattr(self.logger, "finalize"):
            self.logger.finalize("success" if ending == "finished" else "failed")


def _tracker(chosen: Chosen, plan: Plan, folder: RunFolder) -> Tracker:
    """The logger, with the run that it may have of an earlier part of this one."""
    known = json.loads(folder.trackers.read_text(encoding="utf-8")) if folder.trackers.exists() else {}
    recipe = yaml.safe_load(dump(plan.recipe))
    setting = RunSetting(plan.recipe.name, folder.path, plan.counts.steps, recipe, known.get(chosen.key))
    target = chosen.provided.load()
    try:
        logger = target(chosen.options, setting)
        if chosen.key not in known:
            logger.log_hyperparams(recipe)
            run_id = getattr(logger, "run_id", None)
            write_json(folder.trackers, known | {chosen.key: run_id if isinstance(run_id, str) else None})
    except ModuleNotFoundError as error:
        raise UserError(
            f"trainer.loggers names {chosen.key}, whose package is missing: {first_line(error)}",
            f"pip install {error.name or chosen.descriptor.name}",
        ) from error
    except SslToolboxError:
        raise
    except Exception as error:
        raise UserError(f"trainer.loggers: {chosen.key} can't start: {first_line(error)}") from error
    return Tracker(chosen.key, logger)
