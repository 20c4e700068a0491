"""What the downstream tasks said, row by row, and the claim of a run in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MEASURES = {"f1": "macro-F1", "accuracy": "accuracy", "auc": "ROC area", "ccc": "CCC", "rmse": "RMSE"}
LOWER_IS_BETTER = {
    ("identity", "accuracy"),
    ("verification", "accuracy"),
    ("verification", "auc"),
    ("valence", "rmse"),
    ("arousal", "rmse"),
}
"""Identity is what the features are to forget: two tasks tell how much of it is left."""
PHRASES = {
    "expression": "tell expressions apart with",
    "valence": "follow valence with",
    "arousal": "follow arousal with",
    "identity": "tell people apart with",
    "verification": "tell whether two images show one person with",
}
HOW = {"finetune": "fine-tuned", "knn": "by neighbours"}
"""Protocols that a reader must know of; a linear probe goes without saying."""


@dataclass(frozen=True)
class Result:
    """One measure of one task.

    Attributes:
        task, measure: keys of evaluation.json.
        trained: the run's number.
        random: that of a random initialisation of the same network.
        chance: that of guessing.
        interval: low and high, 95 %.
        how: the protocol and the data in words, where they are not the usual ones.
    """

    task: str
    measure: str
    trained: float
    random: float | None = None
    chance: float | None = None
    interval: tuple[float, float] | None = None
    how: str = ""

    @property
    def kind(self) -> str:
        """The task without its number among those of its name."""
        return self.task.partition("#")[0]

    @property
    def name(self) -> str:
        """The task in words."""
        return "identity left" if self.kind == "identity" else self.kind.replace("_", " ")

    @property
    def label(self) -> str:
        """The task in words, and how it was measured."""
        return f"{self.name}, {self.how}" if self.how else self.name

    @property
    def measure_label(self) -> str:
        """The measure in words."""
        return MEASURES.get(self.measure, self.measure.replace("_", " "))

    @property
    def lower_is_better(self) -> bool:
        """True for errors, and for what is to be forgotten."""
        return (self.kind, self.measure) in LOWER_IS_BETTER


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
            tuple(numbers[f"{measure}_ci"]) if f"{measure}_ci" in numbers else None,
            how_measured(numbers),
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
    phrase = PHRASES.get(first.kind, f"have, in the task {first.label},")
    state = "fine-tuned" if first.how.startswith(HOW["finetune"]) else "frozen"
    start = f"{_after(recipe)} the {state} features {phrase} {first.measure_label}"
    if first.random is None:
        return f"{start} {first.trained:z.2f}."
    digits = 2 if f"{first.trained:z.2f}" != f"{first.random:z.2f}" else 3
    gained = first.lower_is_better or first.trained > first.random
    return (
        f"{start} {first.trained:z.{digits}f}, {'' if gained else 'no better than '}"
        f"a random initialisation with {first.random:z.{digits}f}."
    )


def how_measured(numbers: Mapping[str, Any]) -> str:
    """A task's protocol and data in words, where they are not the usual ones."""
    on = f"on {numbers['data']}" if "data" in numbers else ""
    return " ".join(filter(None, [HOW.get(str(numbers.get("protocol")), ""), on]))


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
