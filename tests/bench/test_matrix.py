"""Recipes by variants: which runs are compared, and where a cell stays empty."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.bench import finished, job
from helpers.golden import Golden

from ssltoolbox.bench.page import render_page
from ssltoolbox.bench.results import Bench, results_of_bench
from ssltoolbox.bench.schedule import JobState
from ssltoolbox.bench.tables import VARIANTS as READING
from ssltoolbox.bench.tables import render_markdown

VARIANTS = {"time_aug": None, "hard_neg": "time_aug"}
NUMBERS: dict[tuple[str, str | None], list[float]] = {
    ("simclr", None): [0.2, 0.3, 0.4],
    ("simclr", "time_aug"): [0.31, 0.4, 0.5],
    ("simclr", "hard_neg"): [0.3, 0.42],
    ("byol", None): [0.1],
    ("byol", "time_aug"): [],
}


@pytest.fixture
def bench() -> Bench:
    runs = {}
    states = {}
    for (recipe, variant), values in NUMBERS.items():
        named = job(f"{recipe}-{variant}" if variant else recipe)
        its = replace(named, unchanged=recipe, variant=variant) if variant else named
        states |= dict.fromkeys([its] if not values else [], JobState.FAILED)
        for seed, value in enumerate(values):
            one = replace(its, seed=seed, key=f"{its.key}{seed}")
            runs[one] = finished(one, value)
    return Bench(
        "small", "0.1.0+abc", "simclr", dict.fromkeys(runs, JobState.DONE) | states, runs, {}, VARIANTS
    )


def test_a_variant_is_compared_with_the_one_that_it_extends(bench: Bench) -> None:
    expression, identity = bench.matrices
    assert (expression.column.task, identity.column.task) == ("expression", "identity")
    assert (expression.recipes, expression.variants) == (("simclr", "byol"), (None, "time_aug", "hard_neg"))
    gains = {place: entry.gain for place, entry in expression.entries.items()}
    assert gains["simclr", None] is gains["byol", None] is None
    time_aug, hard_neg = gains["simclr", "time_aug"], gains["simclr", "hard_neg"]
    assert time_aug
    assert (time_aug.n, time_aug.mean) == (3, pytest.approx((0.11 + 0.1 + 0.1) / 3))
    assert hard_neg
    assert (hard_neg.n, hard_neg.mean) == (2, pytest.approx((-0.01 + 0.02) / 2))
    assert ("byol", "time_aug") not in expression.entries


def test_each_metric_of_a_task_has_a_matrix(bench: Bench) -> None:
    accuracy = {"key": "accuracy", "better": "higher"}
    for run in bench.finished.values():
        expression = run.evaluation["expression"]
        expression |= {"accuracy": 0.9, "metrics": [*expression["metrics"], accuracy]}
    metrics = [(matrix.column.task, matrix.column.metric.key) for matrix in bench.matrices]
    assert metrics == [("expression", "f1"), ("expression", "accuracy"), ("identity", "accuracy")]


def test_a_grid_without_variants_has_no_matrix(bench: Bench) -> None:
    plain = replace(bench, variants={})
    assert plain.matrices == []
    assert "Variants" not in render_markdown(plain) + render_page(plain, Path("/out"))


def test_the_matrix_in_table_md(bench: Bench, golden: Golden) -> None:
    text = render_markdown(bench)
    golden(text[text.index("## Variants") : text.index("## Cost")])


def test_the_matrix_is_on_the_page_and_in_the_results(bench: Bench) -> None:
    text = render_page(bench, Path("/out"))
    assert text.count("<h2>Variants</h2>") == 1
    assert text.count(READING) == 1
    assert "<h3>expression" in text
    assert "no changes" in text
    results = json.loads(json.dumps(results_of_bench(bench, Path("/out")), allow_nan=False))
    (hard_neg,) = [
        entry
        for entry in results["variants"]
        if (entry["recipe"], entry["variant"], entry["task"]) == ("simclr", "hard_neg", "expression")
    ]
    assert (hard_neg["extends"], hard_neg["metric"], hard_neg["n"]) == ("time_aug", "f1", 2)
    assert hard_neg["gain"]["n"] == 2
    assert {run["variant"] for run in results["runs"]} == {None, "time_aug", "hard_neg"}
