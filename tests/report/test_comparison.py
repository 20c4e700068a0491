"""What a comparison of runs finds, and what its page shows."""

import re
from pathlib import Path

import pytest
from helpers.reports import EVALUATION, RunFolder

from ssltoolbox.api import UserError
from ssltoolbox.report.comparison import compare, render_comparison
from ssltoolbox.report.files import Curve
from ssltoolbox.report.plots import curves_plot


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """Two runs; the second one has no masker, another learning rate's curve and no task `identity`."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    RunFolder(folders[0])
    second = RunFolder(folders[1])
    second.recipe("other", ("maskers: [{name: mask_fn}]", "maskers: []"), ("steps: 800", "steps: 400"))
    second.json("evaluation", {"expression": EVALUATION["expression"] | {"f1": 0.4, "f1_ci": [0.3, 0.5]}})
    second.write("metrics.csv", "step,loss\n10,6.5\n20,2.5\n")
    return folders


def test_a_comparison_lists_the_options_that_differ(runs: list[Path]) -> None:
    assert {row.key: row.values for row in compare(runs).differences} == {
        "maskers": ("mask_fn", "none"),
        "trainer.steps": ("800", "400"),
    }


def test_scores_of_each_run(runs: list[Path]) -> None:
    scores = {
        (score.first.task, score.first.metric.key): [each and each.trained for each in score.results]
        for score in compare(runs).scores
    }
    assert scores[("expression", "f1")] == [0.2853, 0.4]
    assert scores[("identity", "accuracy")] == [0.2137, None]


def test_the_page_shows_both(runs: list[Path]) -> None:
    html = render_comparison(compare(runs))
    assert "<td>trainer.steps</td><td>800</td><td>400</td>" in html
    assert re.search(r"small [^;<]*\b4\.5; other [^;<]*\b2\.5\b", html)
    assert "0.30 to 0.50" in html
    assert "http:" not in html
    assert "https:" not in html
    assert "<script" not in html


def test_runs_of_one_recipe_go_by_their_folders(runs: list[Path]) -> None:
    RunFolder(runs[1])
    comparison = compare(runs)
    assert comparison.names == ("small (one)", "small (two)")
    assert comparison.differences == ()


@pytest.mark.parametrize("broken", ["missing", "no run", "damaged", "another YAML"])
def test_a_folder_that_is_no_run_is_named(runs: list[Path], tmp_path: Path, broken: str) -> None:
    wrong = tmp_path / "wrong"
    if broken != "missing":
        wrong.mkdir()
    if broken == "damaged":
        RunFolder(wrong).write("evaluation.json", "{")
    if broken == "another YAML":
        (wrong / "recipe.yaml").write_text("- 1\n")
    with pytest.raises(UserError, match="wrong"):
        compare([runs[0], wrong])


def test_a_run_is_not_compared_with_itself(runs: list[Path]) -> None:
    with pytest.raises(UserError, match="two runs"):
        compare(runs[:1])
    with pytest.raises(UserError, match="twice"):
        compare([runs[0], runs[0]])


def test_a_folder_that_begins_with_the_recipe_s_name_is_the_name(tmp_path: Path) -> None:
    folders = [tmp_path / "small-seed0-0a1b2c", tmp_path / "small-seed1-0a1b2c"]
    for folder in folders:
        folder.mkdir()
        RunFolder(folder)
    assert compare(folders).names == ("small-seed0-0a1b2c", "small-seed1-0a1b2c")


LONG = [f"simclr-mask_fn-seed{seed}-a2bdf8d08074" for seed in range(9)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "names", [["a", "b"], LONG, ["x" * 90, "y" * 90]], ids=["short", "nine", "very long"]
)
def test_a_legend_leaves_room_for_the_curves(names: list[str]) -> None:
    """Matplotlib warns if it does not."""
    curves_plot({name: Curve([1, 2], [0.1, 0.2]) for name in names}, from_zero=True)
