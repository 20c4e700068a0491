"""Mean, spread, and the difference to a baseline run by run."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Summary:
    """Several runs of one recipe.

    Attributes:
        n: how many.
        mean: of them.
        sd: their standard deviation with n - 1 in the denominator; None for a single run.
    """

    n: int
    mean: float
    sd: float | None


@dataclass(frozen=True)
class Difference:
    """A recipe minus the baseline, by pairs of runs that share everything else.

    Attributes:
        n: pairs.
        mean: of the pairs' differences.
        low, high: Student's t interval of the mean at 95 %, with n - 1 degrees of freedom; None for a single pair.
    """

    n: int
    mean: float
    low: float | None
    high: float | None

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def summary(values: Sequence[float]) -> Summary:
    """Of one or more values.

    >>> summary([0.25, 0.75]).mean
    0.5
    """
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Summary(len(values), statistics.fmean(values), sd)


def paired_difference(values: Mapping[str, float], baseline: Mapping[str, float]) -> Difference | None:
    """The mean difference over the conditions that both have, with its interval; None if they share none.

    The interval takes the pairs for independent draws from a normal distribution.

    Args:
        values, baseline: a number for each condition (seed and point of the sweep).
    """
    differences = [values[condition] - baseline[condition] for condition in values if condition in baseline]
    if not differences:
        return None
    of_all = summary(differences)
    if of_all.sd is None:
        return Difference(of_all.n, of_all.mean, None, None)
    # Takes half a second to import.
    from scipy.stats import t

    quantile = float(t.ppf((1 + CONFIDENCE) / 2, of_all.n - 1))
    margin = quantile * of_all.sd / math.sqrt(of_all.n)
    return Difference(of_all.n, of_all.mean, of_all.mean - margin, of_all.mean + margin)
