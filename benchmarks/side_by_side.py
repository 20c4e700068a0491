"""The code that the scripts share: work timed in turn, peak memory, and a table of ratios with their targets."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from ssltoolbox.support.files import write_json

T = TypeVar("T")
LIBRARIES = ("torch", "lightly", "timm", "kornia", "pytorch_lightning")


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        what: the work.
        ours: what we need, or do in a second.
        theirs: the same of what it is compared with; None where the target is for `ours` alone.
        unit: of both, such as "ms".
        at_most, at_least: bounds of `ours / theirs`, or of `ours` where there is nothing beside it.
    """

    what: str
    ours: float
    theirs: float | None
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def judged(self) -> float:
        """The number that the bounds are for."""
        return self.ours if self.theirs is None else self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without a target."""
        if self.at_most is None and self.at_least is None:
            return None
        above = self.at_least is None or self.judged >= self.at_least
        return above and (self.at_most is None or self.judged <= self.at_most)

    @property
    def target(self) -> str:
        """The bound in words."""
        unit = f" {self.unit}" if self.theirs is None else " ×"
        if self.at_most is not None:
            return f"at most {self.at_most:g}{unit}"
        return "" if self.at_least is None else f"at least {self.at_least:g}{unit}"


def parser(description: str) -> argparse.ArgumentParser:
    """The options that all scripts have: `--repeats`, `--threads`, `--out`."""
    made = argparse.ArgumentParser(description=description.splitlines()[0])
    made.add_argument("--repeats", type=int, default=5, help="turns of each side; medians are compared")
    made.add_argument(
        "--threads", type=int, default=1, help="threads of torch on a CPU; with one, CPU time is measured"
    )
    made.add_argument("--out", type=Path, help="write the numbers to this JSON file")
    return made


def clock(threads: int = 1) -> Callable[[], float]:
    """Seconds: of work where a single thread does it, so that a busy machine doesn't count; else on the wall."""
    import torch

    if torch.cuda.is_available():
        return _synchronised
    return time.process_time if threads == 1 else time.perf_counter


def _synchronised() -> float:
    import torch

    torch.cuda.synchronize()
    return time.perf_counter()


def in_turn(works: Mapping[str, Callable[[], T]], repeats: int) -> dict[str, list[T]]:
    """What each work gives, `repeats` times, one after the other and over again."""
    numbers: dict[str, list[T]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            numbers[name].append(work())
    return numbers


def medians(numbers: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of each work."""
    return {name: median(values) for name, values in numbers.items()}


def in_a_fresh_process(work: Callable[..., T], *arguments: Any) -> T:
    """The result of a function at the top of a script, called where nothing has been allocated before."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def peak_bytes() -> int:
    """The most that was held since the last call: on a GPU by torch's allocator, else by this process.

    Linux can be told to forget a peak; elsewhere it is the peak since the process began.
    """
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
        peak = torch.cuda.max_memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        return peak
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    # Not `ru_maxrss`: a new process inherits that of the one which started it.
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    Path("/proc/self/clear_refs").write_text("5")
    return 1024 * int(line.split()[1])


def report(title: str, rows: Sequence[Row], out: Path | None = None, **facts: Any) -> None:
    """Prints the table, with date, machine and versions, and writes all of it where `out` says."""
    here = machine()
    table = Table(title=title, title_justify="left", caption=_caption(here), caption_justify="left")
    table.add_column("what")
    for column in ("ours", "beside it", "ratio"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("target")
    for row in rows:
        verdict = {None: "", True: " [green]✓[/]", False: " [red]missed[/]"}[row.met]
        beside = "" if row.theirs is None else f"{_number(row.theirs)} {row.unit}"
        ratio = "" if row.theirs is None else f"{row.judged:.2f} ×"
        table.add_row(row.what, f"{_number(row.ours)} {row.unit}", beside, ratio, row.target + verdict)
    Console().print(table)
    if out:
        found = [asdict(row) | {"ratio": row.judged, "met": row.met} for row in rows]
        write_json(out, {"title": title, **here, "rows": found, **facts})


def machine() -> dict[str, Any]:
    """Where and when, and with which versions."""
    import torch

    cuda = torch.cuda.is_available()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in LIBRARIES},
    }


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    names = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _caption(here: Mapping[str, Any]) -> str:
    return (
        f"{here['date']}, {here['device']}, {here['cores']} cores of {here['processor']} with a load of "
        f"{here['load']}, {here['threads']} threads, torch {here['versions']['torch']}"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
