"""Which file a user means who writes a path or a name for a recipe."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ssltoolbox.plan import load_plan
from ssltoolbox.recipe import Place, RecipeProblem
from ssltoolbox.recipe.find import find_recipe
from ssltoolbox.recipe.shipped import FOLDER, shipped_recipes

Write = Callable[..., Path]


def found(written: str, named_at: Place | None = None) -> tuple[Path | None, list[RecipeProblem]]:
    return find_recipe(written, Path(written).absolute(), named_at)


def test_a_name_is_that_of_a_shipped_recipe(write: Write) -> None:
    assert found("quickstart") == (FOLDER / "quickstart.yaml", [])
    assert found("paper/g") == (FOLDER / "paper" / "g.yaml", [])


@pytest.mark.parametrize("written", ["mine", "mine.yaml", "rows/mine", "./mine"])
def test_a_name_is_that_of_a_file(write: Write, tmp_path: Path, written: str) -> None:
    write(name="mine.yaml")
    write(name="rows/mine.yaml")
    file, problems = found(written)
    assert file is not None
    assert file.samefile(tmp_path / f"{written.removesuffix('.yaml')}.yaml")
    assert problems == []


@pytest.mark.parametrize(
    ("file", "written"),
    [("quickstart.yaml", "quickstart"), ("quickstart", "quickstart"), ("paper/g.yaml", "paper/g")],
)
def test_a_file_hides_the_shipped_recipe_of_its_name_with_a_warning(
    write: Write, tmp_path: Path, file: str, written: str
) -> None:
    write(name=file)
    path, (problem,) = found(written)
    assert path == tmp_path / file
    assert problem.warning
    assert file in problem.message
    assert repr(written) in problem.message


def test_a_file_by_its_whole_name_needs_no_warning(write: Write, tmp_path: Path) -> None:
    write(name="quickstart.yaml")
    assert found("quickstart.yaml") == (tmp_path / "quickstart.yaml", [])


def test_a_folder_hides_nothing(write: Write, tmp_path: Path) -> None:
    write(name="quickstart/x.yaml")
    assert found("quickstart") == (FOLDER / "quickstart.yaml", [])


def test_the_shipped_file_itself_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    assert found("quickstart") == (FOLDER / "quickstart.yaml", [])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("quickstrat", "quickstart"),
        ("quickstart.yaml", "quickstart"),
        ("recipes/quickstart.yaml", "quickstart"),
        ("recipes/paper/g.yaml", "paper/g"),
        ("papr/g", "paper/g"),
        ("min.yaml", "mine.yaml"),
        ("mine.yml", "mine.yaml"),
    ],
)
def test_what_is_missing_is_answered_with_what_was_meant(write: Write, written: str, meant: str) -> None:
    write(name="mine.yaml")
    path, (problem,) = found(written)
    assert path is None
    assert not problem.warning
    assert f"'{meant}'" in problem.hint


@pytest.mark.parametrize("written", ["y.yaml", "base.yaml", "nope"])
def test_what_is_missing_is_not_answered_with_something_unrelated(write: Write, written: str) -> None:
    for name in ("x.yaml", "face.yaml", "done.yaml"):
        write(name=name)
    _, (problem,) = found(written)
    assert not any(name in problem.hint for name in ("x.yaml", "face.yaml", "done.yaml"))


def test_a_recipe_is_not_its_own_missing_parent(write: Write, tmp_path: Path) -> None:
    write(name="mine.yaml")
    _, (problem,) = found("mines.yaml", Place(str(tmp_path / "mine.yaml"), 1, 10, "extends: mines.yaml"))
    assert "mine.yaml" not in problem.hint


def test_a_child_extends_a_shipped_recipe(write: Write, tmp_path: Path) -> None:
    plan = load_plan(write("recipe: 1\nextends: paper/g\nseed: 3\n"), data_needed=False)
    assert (plan.recipe.name, plan.recipe.seed, plan.recipe.backbone.name) == ("x", 3, "resnet50")


def test_a_parent_beside_the_child_hides_the_shipped_one(write: Write, base: str) -> None:
    write(base + "seed: 7\n", "rows/quickstart.yaml")
    plan = load_plan(write("extends: quickstart\n", "rows/x.yaml"), data_needed=False)
    assert plan.recipe.seed == 7
    (warning,) = (one for one in plan.warnings if "quickstart" in one.message)
    assert (Path(warning.place.file).name, warning.place.line, warning.place.column) == ("x.yaml", 1, 10)


def test_python_takes_names(write: Write) -> None:
    assert load_plan("quickstart").recipe.name == "quickstart"


@pytest.mark.parametrize("name", shipped_recipes())
def test_a_copy_is_the_same_recipe(name: str, write: Write) -> None:
    """Wherever it lies: it names its parent, and nothing beside it."""
    shipped = shipped_recipes()[name]
    copy = write(shipped.standalone(), "elsewhere/copy.yaml")
    original = load_plan(shipped.path, ["name=x"], data_needed=False).recipe
    assert load_plan(copy, ["name=x"], data_needed=False).recipe == original
    assert "schema" not in copy.read_text()


def test_summaries_are_sentences() -> None:
    for recipe in shipped_recipes().values():
        assert 5 <= len(recipe.summary) <= 250
        assert recipe.summary.endswith(".")
        assert "\n" not in recipe.summary
