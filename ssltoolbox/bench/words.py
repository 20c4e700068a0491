"""Numbers and names of a benchmark, as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.statistics import Difference, Summary
from ssltoolbox.recipe import value_text

MISSING = "–"


def spread_text(values: Summary, between: str = " ± ") -> str:
    """Mean and standard deviation.

    >>> spread_text(Summary(3, 0.5, 0.01)), spread_text(Summary(1, 0.5, None))
    ('0.500 ± 0.010', '0.500')
    """
    mean = f"{values.mean:z.3f}"
    return mean if values.sd is None else f"{mean}{between}{values.sd:.3f}"


def difference_text(difference: Difference) -> str:
    """The mean difference and its interval.

    >>> difference_text(Difference(3, 0.02, -0.01, 0.05))
    '+0.020 [-0.010, +0.050]'
    """
    return f"{difference.mean:+z.3f} {interval_text(difference)}".rstrip()


def interval_text(difference: Difference) -> str:
    """The interval; empty for a single pair."""
    if difference.low is None or difference.high is None:
        return ""
    return f"[{difference.low:+z.3f}, {difference.high:+z.3f}]"


def duration(seconds: float | None) -> str:
    """Hours, minutes and seconds.

    >>> duration(7), duration(3725), duration(None)
    ('0:07', '1:02:05', '–')
    """
    if seconds is None:
        return MISSING
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


def gibibytes(count: float | None) -> str:
    """A size of memory.

    >>> gibibytes(3 * 2**29)
    '1.50 GiB'
    """
    return MISSING if count is None else f"{count / 2**30:.2f} GiB"


def point_text(point: Mapping[str, Any]) -> str:
    """The values of the swept options.

    >>> point_text({"data.world": 1, "method": "byol"})
    'data.world 1, method byol'
    """
    return ", ".join(f"{key} {value_text(value)}" for key, value in point.items())


def job_text(job: Job) -> str:
    """Which run it is: `simclr, seed 0, data.world 1`."""
    return ", ".join(filter(None, [job.recipe, f"seed {job.seed}", point_text(job.point)]))
