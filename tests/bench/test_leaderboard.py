"""Recipes in order, taken together over seeds and points, and compared pair by pair."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.bench import bench_of, finished, job
from helpers.golden import Golden

from ssltoolbox.bench.leaderboard import leaderboard
from ssltoolbox.bench.page import claim
from ssltoolbox.bench.results import results_of_bench

WORLDS = [{"data.world": 0}, {"data.world": 1}]


def test_the_best_comes_first(golden: Golden) -> None:
    board = bench_of({"random": [0.1], "g": [0.4], "simclr": [0.3]}).overall
    assert [row.recipe for row in board.rows] == ["g", "simclr", "random"]
    assert [column.label[-1] for column in board.columns] == ["↑", "↓"]
    golden("\n".join(column.label for column in board.columns))


def test_lower_is_better_for_identity() -> None:
    runs = [finished(job(name), f1) for name, f1 in (("a", 0.2), ("b", 0.6))]
    for run in runs:
        del run.evaluation["expression"]  # type: ignore[attr-defined]
    board = leaderboard([run.job for run in runs], runs, None)
    assert [row.recipe for row in board.rows] == ["b", "a"]


def test_identity_ranks_only_without_another_task() -> None:
    """Whatever the order of the tasks: a network that has learned nothing knows nobody either."""
    runs = [finished(job(name), f1) for name, f1 in (("bad", 0.2), ("good", 0.6))]
    for run in runs:
        run.evaluation["expression"] = run.evaluation.pop("expression")  # type: ignore[attr-defined]
        run.evaluation["identity"]["accuracy"] = run.evaluation["expression"]["f1"]
    board = leaderboard([run.job for run in runs], runs, None)
    assert board.columns[0].metric.better == "lower"
    assert [row.recipe for row in board.rows] == ["good", "bad"]
    assert claim(board).startswith("Highest macro-F1 of expression: good")


def test_metrics_that_nobody_declared_rank_nothing() -> None:
    runs = [finished(job(name), f1) for name, f1 in (("b", 0.6), ("c", 0.9), ("a", 0.2))]
    for run in runs:
        del run.evaluation["expression"]["metrics"]
    board = leaderboard([run.job for run in runs], runs, None)
    assert [row.recipe for row in board.rows] == ["b", "c", "a"]
    assert board.columns[0].label == "expression f1"


def test_rivals_are_those_that_the_first_may_beat_by_chance() -> None:
    numbers = {"a": [0.5, 0.6, 0.7], "far": [0.1, 0.2, 0.3], "near": [0.45, 0.7, 0.6], "once": [0.4]}
    assert bench_of(numbers).overall.rivals == ("near", "once")


def test_a_recipe_without_runs_is_last() -> None:
    board = bench_of({"simclr": [0.3], "g": [0.1]}, failed={job("lost"): "failed"}).overall
    assert [(row.recipe, row.runs) for row in board.rows] == [("simclr", 1), ("g", 1), ("lost", 0)]


def test_pairs_share_seed_and_point() -> None:
    """Worlds differ by 0.3; the recipe is better by 0.1 in each. Unpaired, that would drown."""
    bench = bench_of({"simclr": [0.2, 0.5, 0.21, 0.51], "g": [0.3, 0.6, 0.31, 0.61]}, WORLDS)
    g, simclr = bench.overall.rows
    f1 = bench.overall.columns[0]
    difference = g.cells[f1].to_baseline
    assert difference is not None
    assert (difference.n, difference.mean) == (4, pytest.approx(0.1))
    assert (difference.low, difference.high) == (pytest.approx(0.1), pytest.approx(0.1))
    assert g.cells[f1].of_runs.mean == pytest.approx(0.455)
    assert simclr.cells[f1].to_baseline is None


def test_a_run_whose_pair_failed_is_left_out_of_the_difference() -> None:
    bench = bench_of({"simclr": [0.2], "g": [0.3, 0.9]}, failed={job("simclr", 1): "failed"})
    g = bench.overall.rows[0]
    cell = g.cells[bench.overall.columns[0]]
    assert cell.of_runs.n == 2
    assert cell.to_baseline is not None
    assert (cell.to_baseline.n, cell.to_baseline.mean) == (1, pytest.approx(0.1))


def test_each_point_by_itself() -> None:
    bench = bench_of({"simclr": [0.2, 0.5], "g": [0.3, 0.4]}, WORLDS)
    firsts = [(point["data.world"], board.rows[0].recipe) for point, board in bench.by_point]
    assert firsts == [(0, "g"), (1, "simclr")]
    assert bench_of({"simclr": [0.2, 0.5]}, WORLDS[:1]).by_point == []


def test_the_results_as_plain_data() -> None:
    bench = bench_of(
        {"simclr": [0.2, 0.3], "g": [0.4, 0.4]}, note="Drawn.", failed={job("h", 0): "failed: OSError: full"}
    )
    results = json.loads(json.dumps(results_of_bench(bench, Path("/out"))))
    row = results["leaderboard"][0]
    f1 = row["results"]["expression"]["f1"]
    assert (row["recipe"], row["runs"], f1["n"], f1["mean"], f1["sd"]) == ("g", 2, 2, 0.4, 0.0)
    assert f1["difference"]["mean"] == pytest.approx(0.15)
    assert (f1["difference"]["n"], f1["difference"]["low"] < 0 < f1["difference"]["high"]) == (2, True)
    assert row["costs"]["images_per_s"] == {"n": 2, "mean": 1000.0, "sd": 0.0}
    assert results["notes"] == ["Drawn."]
    assert (results["name"], results["baseline"], results["code"]) == ("small", "simclr", "0.1.0+abc")
    done, *_, lost = results["runs"]
    assert (done["recipe"], done["seed"], done["state"], done["folder"]) == (
        "simclr",
        0,
        "done",
        "runs/simclr0[]",
    )
    assert done["evaluation"]["expression"]["f1"] == 0.2
    assert (lost["state"], lost["reason"], "folder" in lost) == ("failed", "failed: OSError: full", False)
