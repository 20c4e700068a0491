"""What a downstream task says about the numbers that it reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that a task reports. Tables, claims and rankings follow from what is declared here.

    Attributes:
        key: where the number is in a result, such as `f1`. Its 95% interval, if any, is under `f1_ci`.
        better: which way is better; None for a number that is neither.
        result: the result that has it, such as `valence`; empty for every result that no other metric names.
        title: what tables call that result; else its key in words.
        label: what tables call the metric; else its key in words.
        unit: follows the number, such as "°"; empty for a share.
        phrase: what such features do: "the frozen features *tell expressions apart with* macro-F1 0.9".
        chance: where the result has what a guess gets, such as `chance`; empty for nowhere.
        versus_untrained: False if more or less than an untrained network has is neither better nor worse.
        note: what a reader of the number must know, in one sentence.

    Examples:
        >>> error = Metric(key="mean_error", better="lower", label="mean error", unit="°")
        >>> error.better, error.versus_untrained
        ('lower', True)
    """

    key: str
    better: Literal["higher", "lower"] | None
    result: str = ""
    title: str = ""
    label: str = ""
    unit: str = ""
    phrase: str = ""
    chance: str = ""
    versus_untrained: bool = True
    note: str = ""
