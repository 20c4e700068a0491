"""What the downstream tasks said, row by row, and the claim of a run in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MEASURES = {"f1": "macro-F1", "accuracy": "accuracy", "ccc": "CCC", "rmse": "RMSE"}
LOWER_IS_BETTER = {("identity", "accuracy"), ("valence", "rmse"), ("arousal", "rmse")}
"""Identity is what the features are to forget: the task tells how much of it is left."""
PHRASES = {
    "expression": "tell expressions apart with",
    "valence": "follow valence with",
    "arousal": "follow arousal with",
    "identity": "tell people apart with",
}


@dataclass(frozen=True)
class Result:
    """One measure of one task.

    Attributes:
        task, measure: keys of evaluation.json.
        trained: the run's number.
        random: that of a random initialisation of the same network.
        chance: that of guessing.
    """

    task: str
    measure: str
    trained: float
    random: float | None = None
    chance: float | None = None

    @property
    def label(self) -> str:
        """The task in words."""
        return "identity left" if self.task == "identity" else self.task.replace("_", " ")

    @property
    def measure_label(self) -> str:
        """The measure in words."""
        return MEASURES.get(self.measure, self.measure.replace("_", " "))

    @property
    def lower_is_better(self) -> bool:
        """True for errors, and for what is to be forgotten."""
        return (self.task, self.measure) in LOWER_IS_BETTER


def results_of(evaluation: Mapping[str, Any]) -> list[Result]:
    """Each measure of each task, in the order of the file; of an unknown task all its numbers."""
    random = evaluation.get("random", {})
    return [
        Result(
            task,
            measure,
            numbers[measure],
            random.get(task, {}).get(measure),
            numbers.get("chance") if measure == "accuracy" else None,
        )
        for task, numbers in evaluation.items()
        if task != "random"
        for measure in _measures(numbers)
    ]


def claim(recipe: Mapping[str, Any], results: list[Result]) -> str:
    """What was learned, in one sentence; it says so where that is nothing.

    Args:
        recipe: as plain data.
        results: the first one is the claim's.
    """
    if not results:
        return f"{_after(recipe)} the run is complete; nothing was evaluated."
    first = results[0]
    phrase = PHRASES.get(first.task, f"have, in the task {first.label},")
    start = f"{_after(recipe)} the frozen features {phrase} {first.measure_label}"
    if first.random is None:
        return f"{start} {first.trained:z.2f}."
    digits = 2 if f"{first.trained:z.2f}" != f"{first.random:z.2f}" else 3
    gained = first.lower_is_better or first.trained > first.random
    return (
        f"{start} {first.trained:z.{digits}f}, {'' if gained else 'no better than '}"
        f"a random initialisation with {first.random:z.{digits}f}."
    )


def _measures(numbers: Mapping[str, Any]) -> Iterator[str]:
    known = [measure for measure in MEASURES if measure in numbers]
    yield from known or (name for name, value in numbers.items() if isinstance(value, float))


def _after(recipe: Mapping[str, Any]) -> str:
    if recipe["method"]["name"] == "none":
        return "Without further training" if recipe["backbone"].get("weights") else "Without training"
    trainer = recipe["trainer"]
    unit = "steps" if trainer.get("steps") else "epochs"
    count = trainer[unit]
    return f"After {count:,} {unit if count > 1 else unit[:-1]}"
