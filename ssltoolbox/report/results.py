"""The results of a run, metric by metric, and its claim in one sentence.

The task declares each metric in `evaluation.json`: name, better direction and meaning for the features. The report
makes no claim about a metric that no task declares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from ssltoolbox.api import Metric
from ssltoolbox.support.words import agreeing

HOW = {"finetune": "fine-tuned", "knn": "by neighbours", "linear_sgd": "linear by SGD"}
"""Protocols to name in a result; the usual one, a linear probe by `linear`, is not named."""
FIELDS = frozenset(field.name for field in fields(Metric))

Verdict = Literal["better", "worse", "unclear"]


@dataclass(frozen=True)
class Result:
    """One metric of one result of a task.

    Attributes:
        task: its key in evaluation.json.
        metric: what the task declares about it.
        trained: the run's number.
        random: the untrained network's number.
        chance: the number that guessing gives.
        interval: [low, high], the 95% interval of the run's number.
        difference: [low, high], the 95% interval of the difference to the untrained network.
        how: the protocol and the data in words, where they are not the usual ones.
    """

    task: str
    metric: Metric
    trained: float
    random: float | None = None
    chance: float | None = None
    interval: tuple[float, float] | None = None
    difference: tuple[float, float] | None = None
    how: str = ""

    @property
    def name(self) -> str:
        """The result in words."""
        return self.metric.title or task_words(self.task)

    @property
    def label(self) -> str:
        """The result in words, and how it was measured."""
        return f"{self.name} ({self.how})" if self.how else self.name

    @property
    def metric_label(self) -> str:
        """The metric in words."""
        return self.metric.words

    @property
    def arrow(self) -> str:
        """The sign of the better direction; empty where there is none, or no untrained network to compare with."""
        return arrow_of(self.metric) if self.metric.versus_untrained else ""

    @property
    def verdict(self) -> Verdict | None:
        """Whether the run is better than the untrained network; None where that is unknown."""
        if self.difference is None or not self.arrow:
            return None
        low, high = self.difference
        if low <= 0 <= high:
            return "unclear"
        return "better" if (low > 0) == (self.metric.better == "higher") else "worse"

    @property
    def interval_text(self) -> str:
        """The interval of the run's number, in words; empty for none."""
        return "" if self.interval is None else "{:z.2f} to {:z.2f}".format(*self.interval)

    @property
    def difference_text(self) -> str:
        """The interval of the difference, in words; a dash for none."""
        if self.difference is None:
            return "–"
        low, high = self.difference
        return f"{low:+z.3f} to {high:+z.3f}"

    def text(self, value: float | None, digits: int = 3) -> str:
        """A value of the metric, with its unit; a dash for none."""
        return "–" if value is None else f"{value:z.{digits}f}{self.metric.unit}"


def task_words(key: str) -> str:
    """
    >>> task_words("head_pose#2")
    'head pose'
    """
    return key.partition("#")[0].replace("_", " ")


def arrow_of(metric: Metric) -> str:
    """The sign of the better direction; empty where there is none.

    >>> arrow_of(Metric(key="rmse", better="lower"))
    '↓'
    """
    return {"higher": "↑", "lower": "↓", None: ""}[metric.better]


def results_of(evaluation: Mapping[str, Any], neighbours: bool = False) -> list[Result]:
    """The metrics that tasks declare, in the order of the file; of a task that declares none, all its numbers.

    Args:
        evaluation: as in evaluation.json.
        neighbours: whether the scores by nearest neighbours, which linear probes report too, are results as well.
    """
    random = evaluation.get("random", {})
    return [
        _result(key, scores, others, metric)
        for key, numbers in evaluation.items()
        if key != "random"
        for scores, others in _scores(numbers, random.get(key, {}), neighbours)
        for metric in _metrics(scores)
        if metric.key in scores
    ]


def claim(after: str, results: Sequence[Result]) -> str:
    """What was learned, in one sentence or two. It claims only what the interval of the difference shows.

    Args:
        after: how long the run trained, from `trained_for`.
        results: the claim's is the first whose metric can show what was learned, such as one of expressions; one
            of identity can't.
    """
    if not results:
        return f"{after} the run is complete; nothing was evaluated."
    first = next((result for result in results if result.metric.versus_untrained), results[0])
    features = "fine-tuned" if first.how.startswith(HOW["finetune"]) else "frozen"
    claims = first.metric.phrase and (first.verdict == "better" or not first.metric.versus_untrained)
    number = f"{first.metric_label} {first.text(first.trained, _digits(first))}"
    does = f"{first.metric.phrase} {number}" if claims else f"reach {number} in the task {first.label}"
    return f"{after} the {features} features {does}{_versus_untrained(first)}."


def trained_for(recipe: Mapping[str, Any], trains: bool) -> str:
    """How long a run trained, to begin a sentence with: `After 800 steps`.

    Args:
        recipe: as plain data.
        trains: whether the method trains at all.
    """
    if not trains:
        return "Without further training" if recipe["backbone"].get("weights") else "Without training"
    trainer = recipe["trainer"]
    unit = "steps" if trainer.get("steps") else "epochs"
    count = trainer[unit]
    return f"After {count:,} {unit if count > 1 else unit[:-1]}"


def notes_on(evaluation: Mapping[str, Any]) -> list[str]:
    """Notes for the reader of the results, one sentence each; they belong under every table."""
    notes: dict[str, list[str]] = {}
    for result in results_of(evaluation):
        for note in _notes(result, evaluation[result.task]):
            names = notes.setdefault(note, [])
            names += [result.label] if result.label not in names else []
    return [f"{', '.join(names)}: {note}" for note, names in notes.items()]


def measured_on(evaluation: Mapping[str, Any], data: str) -> bool:
    """Whether a result is on the data of the recipe, whose dataset is `data`; True if there are no results.

    >>> measured_on({"mood": {"f1": 0.5, "data": "labelled"}}, "synthetic_faces")
    False
    """
    results = [numbers for key, numbers in evaluation.items() if key != "random"]
    return not results or any(numbers.get("data", data) == data for numbers in results)


def how_measured(numbers: Mapping[str, Any]) -> str:
    """A result's protocol and data in words, where they are not the usual ones."""
    on = f"on {numbers['data']}" if "data" in numbers else ""
    return " ".join(filter(None, [HOW.get(str(numbers.get("protocol")), ""), on]))


def _result(key: str, numbers: Mapping[str, Any], random: Mapping[str, Any], metric: Metric) -> Result:
    name = metric.key
    own, others = numbers.get(f"{name}_ci"), random.get(f"{name}_ci")
    difference = numbers.get("difference", {}).get(name)
    if difference is None and own and others:
        # Not paired, so wider: these are the bounds of any difference between the two intervals.
        difference = (own[0] - others[1], own[1] - others[0])
    return Result(
        key,
        metric,
        numbers[name],
        random.get(name),
        numbers.get(metric.chance),
        tuple(own) if own else None,
        tuple(difference) if difference else None,
        how_measured(numbers),
    )


def _scores(
    numbers: Mapping[str, Any], random: Mapping[str, Any], neighbours: bool
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """The scores of a result, trained and untrained; with `neighbours`, then those by nearest neighbours.

    The latter have metrics such as `knn.accuracy`.
    """
    yield numbers, random
    if neighbours and "knn" in numbers:
        found, untrained = (
            {f"knn.{name}": value for name, value in scores.get("knn", {}).items()}
            for scores in (numbers, random)
        )
        metrics = [
            {**metric, "key": key, "label": _metric(metric).words}
            for metric in numbers.get("metrics", ())
            if (key := f"knn.{metric['key']}") in found
        ]
        yield {**numbers, **found, "metrics": metrics, "protocol": "knn"}, untrained


def _metrics(numbers: Mapping[str, Any]) -> Iterator[Metric]:
    declared = numbers.get("metrics")
    if declared is None:
        yield from (
            Metric(key=name, better=None) for name, value in numbers.items() if isinstance(value, float)
        )
    else:
        yield from map(_metric, declared)


def _metric(declared: Mapping[str, Any]) -> Metric:
    return Metric(**{name: declared[name] for name in FIELDS & declared.keys()})


def _notes(result: Result, numbers: Mapping[str, Any]) -> Iterator[str]:
    if result.metric.note:
        yield result.metric.note
    if limited := numbers.get("limited"):
        shares = [f"{used:,} of {there:,} {split} frames" for split, (used, there) in limited.items()]
        yield f"measured on {', '.join(shares)}."
    if missing := numbers.get("unlabelled"):
        one, many = "frame without this label was", "frames without this label were"
        yield f"{_of_splits(missing)} {agreeing(sum(missing.values()), one, many)} left out."
    if unreadable := numbers.get("unreadable"):
        one, many = "frame could not be read and was", "frames could not be read and were"
        yield (
            f"{_of_splits(unreadable)} {agreeing(sum(unreadable.values()), one, many)} left out; "
            "log.txt names the first."
        )
    if isinstance(folds := numbers.get("folds"), list):
        yield f"the mean over {len(folds)} folds."


def _of_splits(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {split}" for split, count in counts.items())


def _digits(result: Result) -> int:
    """The number of digits: two, or three where the two numbers would look the same."""
    same = result.random is not None and result.text(result.trained, 2) == result.text(result.random, 2)
    return 3 if same else 2


def _versus_untrained(result: Result) -> str:
    """The comparison with the untrained network, and the interval of the difference."""
    if result.random is None:
        return ""
    digits = _digits(result)
    text = f", versus {result.text(result.random, digits)} for an untrained network"
    if not result.metric.versus_untrained or result.metric.better is None:
        return text
    if result.difference is None:
        return f"{text}. There is no interval, so the difference may be chance"
    low, high = (f"{bound:+z.{digits}f}" for bound in result.difference)
    if result.verdict == "unclear":
        return f"{text}. The difference is not clear: its 95% interval, {low} to {high}, contains 0"
    worse = "worse, " if result.verdict == "worse" else ""
    return f"{text} ({worse}95% interval of the difference {low} to {high})"
