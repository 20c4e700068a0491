"""What the README and the guides show is so."""

import re
from pathlib import Path

import pytest
from helpers.runs import run_tiny, write_recipe

from ssltoolbox.bench.grid import load_grid
from ssltoolbox.bench.jobs import plan_jobs
from ssltoolbox.plan import load_plan
from ssltoolbox.recipe import RecipeError

ROOT = Path(__file__).parents[1]
GENERATED = ("components/", "cli/")
"""Pages that the build of the site makes; it refuses links to pages that it does not make."""


def blocks(language: str, page: str = "README.md") -> list[str]:
    """The code of a page in that language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The README's recipe, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    (recipe,) = (block for block in blocks("yaml") if "name: mine" in block)
    path = tmp_path / "mine.yaml"
    path.write_text(recipe)
    return path


def test_the_recipe_is_valid(mine: Path) -> None:
    plan = load_plan(mine)
    assert plan.method.key == "mocov2"
    assert plan.counts.draws == 128


def test_the_typo_gets_that_text(mine: Path) -> None:
    (expected,) = (block for block in blocks("text") if "simclar" in block)
    text = mine.read_text().replace("{name: mocov2, queue: 4096}", "{name: simclar, temperature: 0.07}")
    mine.write_text(text)
    with pytest.raises(RecipeError) as caught:
        load_plan("mine.yaml")
    assert str(caught.value) == expected.strip()


def test_the_strategy_of_the_readme_trains(tmp_path: Path) -> None:
    (strategy,) = blocks("python")
    (tmp_path / "earlier.py").write_text(strategy)
    changed = "[earlier]\nplugins: {files: [earlier.py]}"
    run = run_tiny(write_recipe(tmp_path, ("[time_aug]", changed)), tmp_path / "run")
    rows = run.folder.metrics.read_text().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == list("123456")


def test_the_downstream_tasks_are_valid(tmp_path: Path) -> None:
    (tasks,) = blocks("yaml", "docs/evaluate.md")
    recipe = write_recipe(tmp_path)
    recipe.write_text(recipe.read_text() + tasks)
    plan = load_plan(recipe, data_needed=False)
    assert [task.name for task in plan.recipe.evaluate] == ["expression"] * 4 + ["verification"]
    missing = [warning.message for warning in plan.warnings]
    folders = dict.fromkeys(message.partition(": ")[0] for message in missing)
    assert list(folders) == [f"{tmp_path}/{name}" for name in ("AffectNet", "FER2013", "LFW")]


def test_the_guide_s_recipe_is_valid(tmp_path: Path) -> None:
    (recipe,) = blocks("yaml", "docs/recipes.md")
    path = tmp_path / "mine.yaml"
    path.write_text(recipe)
    plan = load_plan(path, data_needed=False)
    assert [plan.recipe.backbone.name, *(task.name for task in plan.recipe.evaluate)] == [
        "resnet18",
        "expression",
        "identity",
    ]


def test_the_guide_s_grids_are_valid(mine: Path) -> None:
    grid, with_variants = blocks("yaml", "docs/benchmark.md")
    Path("grid.yaml").write_text(grid)
    assert [file.stem for file in load_grid(Path("grid.yaml")).recipes] == ["mine", "simclr", "a"]
    Path("variants.yaml").write_text(with_variants)
    jobs = plan_jobs(load_grid(Path("variants.yaml")), code="").all
    assert [job.recipe for job in jobs] == [
        "simclr",
        "simclr-time_aug",
        "simclr-hard_neg",
        "byol",
        "byol-time_aug",
    ]


def test_links_lead_to_files() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            known = "://" in target or target.startswith(GENERATED)
            assert known or (page.parent / target).exists(), f"{page.name}: {target}"
