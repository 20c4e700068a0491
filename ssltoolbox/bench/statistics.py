"""Mean, standard deviation, and the paired difference to a baseline."""

from __future__ import annotations

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
    """A recipe minus another, by pairs of runs that share everything else.

    Attributes:
        n: pairs.
        mean: of the pairs' differences.
        low, high: Student's t interval of the mean at 95%, with n - 1 degrees of freedom; None for a single pair.
    """

    n: int
    mean: float
    low: float | None
    high: float | None

    @property
    def is_clear(self) -> bool:
        """Whether the interval does not contain 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def summary(values: Sequence[float]) -> Summary:
    """The summary of one or more values.

    >>> summary([0.25, 0.75]).mean
    0.5
    """
    sd = statistics.stdev(values) if len(values) > 1 else None
    return Summary(len(values), statistics.fmean(values), sd)


def paired_difference(values: Mapping[str, float], others: Mapping[str, float]) -> Difference | None:
    """The mean difference over the conditions that both have, with its interval; None if they share none.

    The interval takes the pairs for independent draws from a normal distribution.

    Args:
        values, others: a number for each condition (seed and point of the sweep).
    """
    shared = [condition for condition in values if condition in others]
    if not shared:
        return None
    differences = [values[condition] - others[condition] for condition in shared]
    mean = statistics.fmean(differences)
    if len(differences) == 1:
        return Difference(1, mean, None, None)
    if max(differences) - min(differences) < 1e-12:
        # SciPy warns about equal numbers, whose interval is their value.
        return Difference(len(differences), mean, mean, mean)
    # Takes half a second to import.
    from scipy.stats import ttest_rel

    ours, theirs = ([runs[condition] for condition in shared] for runs in (values, others))
    interval = ttest_rel(ours, theirs).confidence_interval(CONFIDENCE)
    return Difference(len(differences), mean, float(interval.low), float(interval.high))
