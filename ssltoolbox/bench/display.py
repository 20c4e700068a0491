"""The output of a running benchmark: a line for each event, and a live table in a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ssltoolbox.bench.child import Running
from ssltoolbox.bench.estimate import Estimates, progress_of, resumed_from
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.leaderboard import Column, Leaderboard, Row
from ssltoolbox.bench.results import Bench
from ssltoolbox.bench.schedule import JobSchedule, JobState
from ssltoolbox.bench.words import job_text, spread_text
from ssltoolbox.support.terminal import NARROW, print_line
from ssltoolbox.support.words import MISSING, counted, duration_text

SECONDS_BETWEEN_LINES = 60.0
SECONDS_BETWEEN_TABLES = 1.0
MOST_COLUMNS = 4
"""The most columns of metrics in the live leaderboard."""


class Display:
    """A listener that prints the events of a benchmark.

    Args:
        console: prints the lines and the table.
        schedule: the states of all runs.
        folder: the benchmark's folder.
        estimates: estimates of the time that runs take.
        bench: writes the files of results and returns the current state of the benchmark.
    """

    def __init__(
        self,
        console: Console,
        schedule: JobSchedule,
        folder: BenchFolder,
        estimates: Estimates,
        bench: Callable[[], Bench],
    ) -> None:
        self._console = console
        self._schedule = schedule
        self._folder = folder
        self._estimates = estimates
        self._bench = bench
        self._now = bench()
        self._began = time.monotonic()
        self._line_at = self._began + SECONDS_BETWEEN_LINES
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._table_at = 0.0

    def __enter__(self) -> Display:
        for job in self._schedule.of(JobState.CACHED):
            self._print(f"cached     {job_text(job)}")
        for job in self._schedule.of(JobState.ELSEWHERE):
            self._print(f"busy       {job_text(job)}: a process of an earlier benchmark still runs it")
        for child in self._schedule.children:
            self._print(f"continues  {job_text(child.job)}, in the job of an earlier benchmark")
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def started(self, job: Job) -> None:
        """A run has started or resumed."""
        if step := resumed_from(self._folder.run(job)):
            self._print(f"resumes    {job_text(job)}, from about step {step}")
        else:
            self._print(f"starts     {job_text(job)}")

    def ended(self, job: Job) -> None:
        """A run has ended."""
        state = self._schedule.states[job]
        if state is JobState.FAILED:
            reason = self._schedule.reasons[job]
            self._print(f"failed     {job_text(job)}: {reason}; see {self._folder.output(job)}")
            return
        if state is JobState.STOPPED:
            self._print(f"stopped    {job_text(job)}")
            return
        self._now = self._bench()
        self._estimates.learn()
        seconds = self._folder.record(job).seconds
        first = next(iter(self._now.finished[job].results), None)
        gave = f"{first.label} {first.metric_label} {first.text(first.trained)}, " if first else ""
        self._print(f"done       {job_text(job)}: {gave}{duration_text(seconds)}")

    def stopping(self, count: int) -> None:
        """The user has interrupted the benchmark."""
        if count:
            self._print(
                f"stopping: {counted(count, 'run')} will save and end; press Ctrl-C again to end them at once"
            )

    def tick(self) -> None:
        """Called at regular intervals. Updates the live table, or prints a line now and then."""
        now = time.monotonic()
        if self._console.is_terminal:
            if now >= self._table_at:
                self._table_at = now + SECONDS_BETWEEN_TABLES
                self._live.update(self._tables(), refresh=True)
        elif now >= self._line_at:
            self._line_at = now + SECONDS_BETWEEN_LINES
            for child in self._running():
                self._print(f"running    {job_text(child.job)}: {', '.join(self._progress(child))}")
            if queued := self._queued():
                self._print(f"queued     {queued}")

    def _print(self, text: str) -> None:
        print_line(self._console, text)

    def _tables(self) -> Group:
        running = self._running_list() if self._console.width < NARROW else self._running_table()
        tables: list[RenderableType] = [running, self._summary()]
        if self._now.finished and self._now.overall.columns:
            tables.append(leaderboard(self._now.overall, self._console.width))
        return Group(*tables)

    def _running(self) -> list[Running]:
        """The runs that do not wait in the queue of a cluster."""
        return [child for child in self._schedule.children if not child.waits]

    def _queued(self) -> str:
        """How many runs wait in the queue of a cluster, and why; empty if none does."""
        reasons = [child.waits for child in self._schedule.children if child.waits]
        if not reasons:
            return ""
        return f"{counted(len(reasons), 'run')} ({', '.join(sorted(set(reasons)))})"

    def _running_table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("running", overflow="ellipsis", no_wrap=True)
        for name in ("step", "for", "left"):
            table.add_column(name, justify="right", no_wrap=True)
        for child in self._running():
            table.add_row(Text(job_text(child.job)), *self._columns(child))
        return table

    def _running_list(self) -> Text:
        """For a narrow terminal: each run, and below it how far it is."""
        lines = (f"{job_text(child.job)}\n  {', '.join(self._progress(child))}" for child in self._running())
        return Text("\n".join(lines))

    def _columns(self, child: Running) -> tuple[str, str, str]:
        left = self._estimates.left(child)
        spent = duration_text(round(child.seconds))
        return self._stage(child), spent, "unknown" if left is None else duration_text(round(left))

    def _progress(self, child: Running) -> Iterator[str]:
        stage, spent, left = self._columns(child)
        yield f"step {stage}" if "/" in stage else stage
        yield f"for {spent}"
        if left != "unknown":
            yield f"{left} left"

    def _stage(self, child: Running) -> str:
        progress = progress_of(self._folder.run(child.job))
        if progress.trained:
            return "evaluating" if child.job.evaluates else "ending"
        return f"{progress.step}/{child.job.steps}" if progress.step else "starting"

    def _summary(self) -> Text:
        schedule = self._schedule
        counts = {state.value: len(schedule.of(state)) for state in JobState}
        counts[JobState.RUNNING.value] -= sum(1 for child in schedule.children if child.waits)
        states = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        if queued := self._queued():
            states = f"{states}, queued: {queued}" if states else f"queued: {queued}"
        spent = duration_text(round(time.monotonic() - self._began))
        return Text(f"{states}; {spent} so far, time left: {self._time_left()}\n")

    def _time_left(self) -> str:
        return self._estimates.left_in_words(
            self._schedule.of(JobState.WAITING), self._schedule.children, self._schedule.side_by_side
        )


def leaderboard(board: Leaderboard, width: int) -> RenderableType:
    """The first metric of each task: a table, or a list for a terminal of few columns."""
    return leaderboard_list(board) if width < NARROW else leaderboard_table(board)


def leaderboard_list(board: Leaderboard) -> Text:
    """Each recipe with its number of runs, and below it a line for each task."""
    lines: list[str] = []
    for row in board.rows:
        lines.append(f"{row.recipe}, {counted(row.runs, 'run')}")
        lines += [f"  {column.title} {column.metric_label}: {_cell(row, column)}" for column in _shown(board)]
    return Text("\n".join(lines))


def leaderboard_table(board: Leaderboard) -> Table:
    """A row for each recipe, and a column for each task."""
    shown = _shown(board)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("recipe", overflow="ellipsis", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    for column in shown:
        table.add_column(f"{column.title}\n{column.metric_label}", justify="right", no_wrap=True)
    for row in board.rows:
        table.add_row(Text(row.recipe), str(row.runs), *(_cell(row, column) for column in shown))
    return table


def _shown(board: Leaderboard) -> list[Column]:
    """The first metric of each task, of at most `MOST_COLUMNS` tasks, to fit into 80 columns."""
    by_task: dict[str, Column] = {}
    for column in board.columns:
        by_task.setdefault(column.task, column)
    return list(by_task.values())[:MOST_COLUMNS]


def _cell(row: Row, column: Column) -> str:
    return spread_text(row.cells[column].of_runs, "±") if column in row.cells else MISSING
