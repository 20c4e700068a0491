"""Benchmarks that need no run: numbers by recipe, seed and point."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.results import Bench
from ssltoolbox.bench.runs import FinishedRun, RunCost
from ssltoolbox.bench.schedule import JobState

COST = RunCost(images_per_s=1000.0, peak_memory=2**30, seconds=90.0)

F1 = {"key": "f1", "label": "macro-F1", "better": "higher", "phrase": "tell expressions apart with"}
IDENTITY = {"key": "accuracy", "better": "lower", "versus_untrained": False}

GOOD = "open('evaluation.json', 'w').write('{}')"
"""What a process does in a run folder so that its run is finished."""


def job(recipe: str, seed: int = 0, point: Mapping[str, Any] | None = None) -> Job:
    """A run that trains for 100 steps and has tasks."""
    point = point or {}
    key = f"{recipe}{seed}{sorted(point.items())}"
    positives = "[]" if recipe == "simclr" else "[{name: time_aug}]"
    text = f"name: {json.dumps(recipe)}\nmethod: {{name: simclr}}\npositives: {positives}\n"
    return Job(recipe, point, seed, text=text, steps=100, evaluates=True, key=key)


def finished(job: Job, f1: float, note: str = "", cost: RunCost = COST) -> FinishedRun:
    """A run with an expression's F1; what is left of identity is 1 minus that."""
    evaluation = {
        "expression": {"f1": f1, "metrics": [F1]},
        "identity": {"accuracy": 1 - f1, "metrics": [IDENTITY]},
        "random": {"expression": {"f1": 0.1}},
    }
    return FinishedRun(job, Path("/out/runs", job.key), evaluation, cost, note)


def bench_of(
    numbers: Mapping[str, Sequence[float]],
    points: Sequence[Mapping[str, Any]] = ({},),
    baseline: str | None = "simclr",
    failed: Mapping[Job, str] | None = None,
    **facts: Any,
) -> Bench:
    """A benchmark whose recipes have these numbers, one for each point and seed in turn."""
    runs: dict[Job, FinishedRun] = {}
    for recipe, values in numbers.items():
        for place, value in enumerate(values):
            its = job(recipe, place // len(points), points[place % len(points)])
            runs[its] = finished(its, value, **facts)
    states = dict.fromkeys(runs, JobState.DONE) | dict.fromkeys(failed or {}, JobState.FAILED)
    return Bench("small", "0.1.0+abc", baseline, states, runs, failed or {})
