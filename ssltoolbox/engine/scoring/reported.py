"""The content of `evaluation.json`: results of the tasks, their metrics, differences to an untrained network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from ssltoolbox.api import Descriptor, EvaluatorDescriptor, Metric

LEVEL = 0.95
Results = Mapping[str, Mapping[str, Any]]


def reported(trained: Results, random: Results, descriptors: Mapping[str, Descriptor]) -> dict[str, Any]:
    """Results by key, and under "random" those of the untrained network.

    A result of the trained network also has

    - `metrics`: the metrics that its task declares, see `ssltoolbox.api.Metric`; missing if there are none
    - `difference`: for each metric with resamples, the 95% interval [low, high] of its difference to the untrained
      network, over the same resamples

    Args:
        trained, random: as `evaluate_tasks` gives them.
        descriptors: descriptors of the tasks by key.
    """
    results: dict[str, Any] = {}
    for key, numbers in trained.items():
        metrics = [_plain(metric) for metric in _declared(descriptors[numbers["task"]], key)]
        difference = dict(_differences(numbers, random.get(key, {})))
        results[key] = _written(numbers)
        results[key] |= {"metrics": metrics} if metrics else {}
        results[key] |= {"difference": difference} if difference else {}
    return results | {"random": {key: _written(numbers) for key, numbers in random.items()}}


def _declared(descriptor: Descriptor, key: str) -> list[Metric]:
    """The metrics of one result of a task: those that name the result, else those that name no result."""
    metrics = descriptor.metrics if isinstance(descriptor, EvaluatorDescriptor) else ()
    result, _, _ = key.partition("#")
    own = [metric for metric in metrics if metric.result == result]
    return own or [metric for metric in metrics if not metric.result]


def _plain(metric: Metric) -> dict[str, Any]:
    """A metric as a dict, without empty fields."""
    return {name: value for name, value in asdict(metric).items() if value != "" and name != "result"}


def _written(numbers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in numbers.items() if name != "resamples"}


def _differences(trained: Mapping[str, Any], random: Mapping[str, Any]) -> Iterator[tuple[str, list[float]]]:
    """The percentile interval of each difference, over the resamples that both networks have."""
    others = random.get("resamples", {})
    for name, values in trained.get("resamples", {}).items():
        if name in others and len(values) == len(others[name]):
            differences = np.subtract(values, others[name])
            if np.isfinite(differences).all():
                tail = (1 - LEVEL) / 2
                yield name, np.quantile(differences, [tail, 1 - tail]).tolist()
