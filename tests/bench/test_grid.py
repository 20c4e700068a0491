"""A grid file and what it says of mistakes, all at once and at their places."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.recipes import write_recipe

from ssltoolbox.bench.grid import grid_schema, load_grid
from ssltoolbox.bench.jobs import plan_jobs
from ssltoolbox.recipe import RecipeError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files relative to the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        write_recipe(tmp_path, f"{name}.yaml", name=name)


def write(text: str, folder: Path = Path()) -> Path:
    path = folder / "grid.yaml"
    path.write_text(text)
    return path


def problems(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        load_grid(write(text))
    return str(caught.value)


def test_paths_and_patterns_name_each_file_once(tmp_path: Path) -> None:
    loaded = load_grid(write("recipes: [b.yaml, '[ab].yaml', ./a.yaml]"))
    assert loaded.recipes == (tmp_path / "b.yaml", tmp_path / "a.yaml")
    assert (loaded.grid.seeds, loaded.grid.tasks, loaded.grid.baseline) == ((0,), None, None)


def test_paths_are_relative_to_the_grid(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    loaded = load_grid(write("recipes: [../a.yaml, ../b*.yaml]", tmp_path / "deep"))
    assert loaded.recipes == (tmp_path / "a.yaml", tmp_path / "b.yaml")


def test_what_is_set_and_swept() -> None:
    loaded = load_grid(
        write("recipes: [a.yaml]\ntasks: [identity]\nset: {optim.lr: 1e-3}\nsweep: {data.world: [0, 3]}")
    )
    assert [(setting.key, setting.value) for setting in loaded.common] == [
        ("evaluate", ["identity"]),
        ("optim.lr", 1e-3),
    ]
    ((first, second),) = loaded.sweep
    assert [(setting.key, setting.value) for setting in (first, second)] == [
        ("data.world", 0),
        ("data.world", 3),
    ]


def test_all_mistakes_at_once(golden: Golden) -> None:
    text = """\
recipes: [a.yaml, c.yaml, "x*.yaml"]
seeds: [0, 1, 0]
task: [identity]
baseline: 3
set: {seed: 1, trainer..steps: 3, data.world: 4}
sweep: {data.world: [1, 1], optim.lr: []}
"""
    golden(problems(text))


def test_a_variant_has_the_changes_of_the_one_that_it_extends() -> None:
    variants = load_grid(
        write(
            "recipes: [a.yaml, b.yaml]\nvariants:\n"
            "  time: {set: {positives: [time_aug]}, recipes: [a]}\n"
            "  hard: {extends: time, set: {negatives: [hard_neg]}}\n"
            "  far: {extends: hard, set: {positives: []}, recipes: [b]}\n"
        )
    ).variants
    keys = {name: [option.key for option in variant.options] for name, variant in variants.items()}
    assert keys == {
        "time": ["positives"],
        "hard": ["positives", "negatives"],
        "far": ["positives", "negatives", "positives"],
    }
    assert [(variant.extends, variant.changes("a")) for variant in variants.values()] == [
        (None, True),
        ("time", True),
        ("hard", False),
    ]


def test_mistakes_in_variants(golden: Golden) -> None:
    text = """\
recipes: [a.yaml]
variants:
  time aug: {set: {positives: [time_aug]}}
  one: {extends: two, set: {name: x}}
  two: {sets: {positives: [time_aug]}}
  three: {set: {data.world: 3}, recipes: []}
sweep: {data.world: [1, 2]}
"""
    golden(problems(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a.yaml",
        "seeds: [0]",
        "recipe: 1\nname: a\nseeds: 3",
        "recipes: []",
    ],
)
def test_text_that_is_no_grid_is_an_error(text: str, golden: Golden) -> None:
    golden(problems(text))


def test_a_job_has_time_to_train_before_it_is_told_to_save(golden: Golden) -> None:
    golden(problems("recipes: [a.yaml]\ncluster: {minutes: 3}\n"))
    assert load_grid(write("recipes: [a.yaml]\ncluster: {minutes: 3, seconds_to_save: 60}\n"))


def test_a_missing_grid_file_is_an_error() -> None:
    with pytest.raises(RecipeError, match=r"gone\.yaml"):
        load_grid(Path("gone.yaml"))


def test_the_schema_beside_the_grids_is_current() -> None:
    """If this fails: ssltoolbox schema --grid > benchmarks/grid.schema.json."""
    written = json.loads((BENCHMARKS / "grid.schema.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(grid_schema()))


@pytest.mark.parametrize(
    ("file", "baseline"),
    [("paper.yaml", "paper-simclr"), ("real.yaml", "real-simclr"), ("synthetic.yaml", "simclr")],
)
def test_the_grids_that_come_with_the_toolbox(file: str, baseline: str) -> None:
    loaded = load_grid(BENCHMARKS / file)
    assert loaded.grid.baseline == baseline
    rows = {path.stem for path in loaded.recipes}
    assert rows >= {"byol", "mocov2", "simclr", "a", "b", "c", "d", "e", "f", "g"}
    assert "base" not in rows


def test_the_matrix_has_the_methods_that_were_tuned() -> None:
    matrix, tuning = (load_grid(BENCHMARKS / f"{name}.yaml") for name in ("matrix", "tuning"))
    assert set(matrix.recipes) == set(tuning.recipes)
    jobs = [job for job in plan_jobs(matrix, "1").all if job.variant]
    assert len({job.recipe for job in jobs}) == 12 + 12 + 6 + 6
    for job in jobs:
        strategy = str(job.variant).removesuffix("_unweighted")
        assert all(f"name: {name}" in job.text for name in ("time_aug", strategy)), job.recipe


def test_the_grid_that_the_readme_shows(tmp_path: Path) -> None:
    (text,) = re.findall(
        r"```yaml\n(.*?)```", (BENCHMARKS / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    (tmp_path / "recipes").symlink_to(BENCHMARKS.parent / "recipes")
    (tmp_path / "benchmarks").mkdir()
    loaded = load_grid(write(text, tmp_path / "benchmarks"))
    assert len(plan_jobs(loaded, code="1").all) == (8 + 8 + 1) * 2 * 3
