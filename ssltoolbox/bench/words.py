"""Numbers and names of a benchmark, as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.statistics import Difference, Summary
from ssltoolbox.recipe import value_text


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


def point_text(point: Mapping[str, Any]) -> str:
    """The values of the swept options.

    >>> point_text({"data.world": 1, "method": "byol"})
    'data.world 1, method byol'
    """
    return ", ".join(f"{key} {value_text(value)}" for key, value in point.items())


def job_text(job: Job) -> str:
    """Which run it is: `simclr, seed 0, data.world 1`."""
    return ", ".join(filter(None, [job.recipe, f"seed {job.seed}", point_text(job.point)]))
