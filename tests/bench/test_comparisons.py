"""Pairs of recipes that a grid compares."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.bench import bench_of
from helpers.golden import Golden

from ssltoolbox.bench.page import render_page
from ssltoolbox.bench.results import Bench, results_of_bench
from ssltoolbox.bench.tables import render_markdown


@pytest.fixture
def bench() -> Bench:
    bench = bench_of({"simclr": [0.2, 0.3, 0.4], "a": [0.3, 0.38, 0.5], "b": [0.3, 0.5]})
    return replace(bench, pairs=[("a", "simclr"), ("b", "a"), ("a", "lost")])


def test_runs_of_the_same_seed_are_compared(bench: Bench) -> None:
    first, second, lost = bench.comparisons
    f1, identity = bench.overall.columns
    assert (first.differences[f1].n, first.differences[f1].mean) == (3, pytest.approx(0.28 / 3))
    assert first.differences[identity].mean == pytest.approx(-0.28 / 3)
    assert (second.differences[f1].n, second.differences[f1].mean) == (2, pytest.approx(0.06))
    assert not lost.differences


def test_the_differences_in_table_md(bench: Bench, golden: Golden) -> None:
    text = render_markdown(bench)
    golden(text[text.index("## Compared recipes") : text.index("## Cost")])


def test_the_differences_are_on_the_page_and_in_the_results(bench: Bench) -> None:
    assert "a minus simclr" in render_page(bench, Path("/out"))
    first, *_, lost = json.loads(json.dumps(results_of_bench(bench, Path("/out"))))["comparisons"]
    assert (first["recipe"], first["other"], first["results"]["expression"]["f1"]["n"]) == ("a", "simclr", 3)
    assert lost["results"] == {}


def test_a_grid_that_compares_nothing_has_no_such_table(bench: Bench) -> None:
    plain = replace(bench, pairs=())
    assert "## Compared recipes" not in render_markdown(plain)
    assert "Compared recipes" not in render_page(plain, Path("/out"))
