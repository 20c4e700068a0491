"""The files of a run as plain data."""

import pytest
from helpers.reports import RunFolder

from ssltoolbox.report.files import Curve, read_run


def test_curves_leave_out_what_is_no_number(run: RunFolder) -> None:
    metrics = read_run(run.path).metrics
    assert metrics["loss"] == Curve([10, 20, 30], [6.5, 5.5, 4.5])
    assert metrics["news"] == Curve([30], [7.0])
    assert metrics["loss"].mean == 5.5


def test_a_column_without_numbers_is_no_curve(run: RunFolder) -> None:
    run.write("metrics.csv", "step,loss,nothing\n1,2,\n")
    assert list(read_run(run.path).metrics) == ["loss"]


def test_only_the_recipe_is_needed(run: RunFolder) -> None:
    for name in ("evaluation.json", "environment.json", "metrics.csv"):
        (run.path / name).unlink()
    files = read_run(run.path)
    assert files.recipe["name"] == "small"
    assert (files.evaluation, files.environment, files.metrics, files.pairs) == ({}, {}, {}, None)
    (run.path / "recipe.yaml").unlink()
    with pytest.raises(FileNotFoundError):
        read_run(run.path)
