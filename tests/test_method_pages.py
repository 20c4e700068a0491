"""The pages of the methods, and the script that writes results into them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_results", ROOT / "docs" / "write_results.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def results(runs: int = 3) -> dict[str, Any]:
    """Two recipes; one variant helps the first, and the second does not have it."""

    def entry(
        recipe: str, variant: str | None, mean: float, gain: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        return {
            "recipe": recipe,
            "variant": variant,
            "task": "expression",
            "metric": "f1",
            "n": 3,
            "mean": mean,
            "sd": 0.02,
            "gain": gain,
        }

    entries = [
        entry("byol", None, 0.25),
        entry("simclr", None, 0.5),
        entry("simclr", "hard_neg", 0.7, {"n": 3, "mean": 0.2, "low": 0.15, "high": 0.25}),
        entry("simclr", "time_aug", 0.49, {"n": 3, "mean": -0.01, "low": -0.1, "high": 0.08}),
        entry("byol", "time_aug", 0.26, {"n": 3, "mean": 0.01, "low": -0.1, "high": 0.12}),
    ]
    made = [{"recipe": "simclr", "evaluation": {}}] * runs
    return {"name": "matrix", "variants": entries, "runs": [*made, *([{"recipe": "byol"}] * (3 - runs))]}


def test_the_table_has_the_best_method_first_and_marks_clear_gains(script: ModuleType) -> None:
    rows = script.table(script.entries_of(results())).splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| [simclr](simclr.md)", "| [byol](byol.md)"]
    assert "0.70&nbsp;±&nbsp;0.02<br>**+20.0**<br>[15.0,&nbsp;25.0]" in rows[2]
    assert "0.49&nbsp;±&nbsp;0.02<br>−1.0<br>[−10.0,&nbsp;8.0]" in rows[2]
    assert rows[3].endswith("|  |  |  |")


def test_the_sentence_names_what_the_method_can_use(script: ModuleType) -> None:
    entries = script.entries_of(results())
    assert "0.49 with TimeAug and 0.70 with TimeAug and HardNeg" in script.sentence(
        "simclr", entries
    ).replace("\n", " ")
    assert "HardNeg" not in script.sentence("byol", entries)


def test_an_unfinished_benchmark_writes_nothing(script: ModuleType) -> None:
    with pytest.raises(ValueError, match="1 runs have no results, such as byol"):
        script.entries_of(results(runs=2))


def test_the_table_of_strategies_has_what_each_adds_to_each_recipe(script: ModuleType) -> None:
    simclr = {
        variant: entry
        for (recipe, variant), entry in script.entries_of(results()).items()
        if recipe == "simclr"
    }
    bases = script.BASES["strategies"]
    entries = {(base, None): simclr[None] for base in bases} | {("a", "hard_neg"): simclr["hard_neg"]}
    rows = script.strategies_table(entries, bases).splitlines()
    assert rows[2] == f"| no further strategy |{' 0.50&nbsp;±&nbsp;0.02 |' * 4}"
    assert rows[3].startswith("| `hard_neg` | 0.70&nbsp;±&nbsp;0.02<br>**+20.0**")
    assert rows[3].endswith(" |  |  |  |")


def test_the_table_of_real_faces_has_the_accuracy(script: ModuleType) -> None:
    both = results() | {"name": "strategies_real"}
    both["variants"] += [entry | {"metric": "accuracy", "mean": 0.3} for entry in both["variants"]]
    assert {entry["mean"] for entry in script.entries_of(both).values()} == {0.3}


@pytest.mark.parametrize("name", ["strategies", "strategies_real"])
def test_the_page_of_strategies_has_the_results_of_the_grid(script: ModuleType, name: str) -> None:
    grid = yaml.safe_load((ROOT / "benchmarks" / f"{name}.yaml").read_text(encoding="utf-8"))
    page = script.STRATEGIES.read_text(encoding="utf-8")
    part = page.partition(script.BEGIN.format(grid=name))[2].partition(script.END)[0]
    bases = [base.removeprefix("real-") for base in script.BASES[name]]
    assert [Path(path).stem for path in grid["recipes"]] == bases
    for variant in grid["variants"]:
        assert f"| {script.OPTIONS.get(variant, f'`{variant}`')} |" in part


def test_both_grids_of_strategies_have_the_same_options() -> None:
    drawn, real = (
        yaml.safe_load((ROOT / "benchmarks" / f"{name}.yaml").read_text(encoding="utf-8"))["variants"]
        for name in ("strategies", "strategies_real")
    )
    assert {name: its["set"] for name, its in drawn.items()} == {
        name: its["set"] for name, its in real.items()
    }


def test_every_method_of_the_matrix_has_its_results_on_its_page(script: ModuleType) -> None:
    grid = yaml.safe_load((ROOT / "benchmarks" / "matrix.yaml").read_text(encoding="utf-8"))
    begin = script.BEGIN.format(grid="matrix")
    overview = (script.METHODS / "index.md").read_text(encoding="utf-8")
    for recipe in (Path(path).stem for path in grid["recipes"]):
        page = (script.METHODS / f"{recipe}.md").read_text(encoding="utf-8")
        assert f"{begin}\n**What it gave.**" in page
        assert f"| [{recipe}]({recipe}.md)" in overview
    assert set(grid["variants"]) == {*script.WORDS, f"hard_neg{script.UNWEIGHTED}"}
