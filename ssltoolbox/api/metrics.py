"""The metrics that downstream tasks declare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number that a task reports. Tables, claims and rankings use this declaration.

    Attributes:
        key: key of the number in a result, such as `f1`. Its 95% interval, if any, has the key `f1_ci`.
        better: the direction that is better; None if neither is.
        result: the result that has the metric, such as `valence`; empty for all results that no other metric
            names.
        title: title of the result in tables; if it is empty, the result's key in words.
        label: label of the metric in tables; if it is empty, the metric's key in words.
        unit: the unit after the number, such as "°"; empty for a fraction from 0 to 1.
        phrase: a verb phrase for claims: "the frozen features *tell expressions apart with* macro-F1 0.9".
        chance: key of the chance level in the result, such as `chance`; empty if there is none.
        versus_untrained: False if a difference from an untrained network is neither better nor worse.
        note: one sentence that a reader of the number must know.

    Examples:
        >>> error = Metric(key="mean_error", better="lower", label="mean error", unit="°")
        >>> error.better, error.versus_untrained, Metric(key="top_5", better="higher").words
        ('lower', True, 'top 5')
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

    @property
    def words(self) -> str:
        """The label; if it is empty, the key in words."""
        return self.label or self.key.replace("_", " ")
