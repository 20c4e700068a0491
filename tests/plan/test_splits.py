"""What downstream tasks need of val and test is looked at before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.recipes import write_recipe
from helpers.trees import put_clip as put_clip
from helpers.trees import put_image as put_image
from helpers.trees import put_run

from ssltoolbox.api import DataFacts, DatasetOptions
from ssltoolbox.api.options import facts_of
from ssltoolbox.cli.main import run
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.table import list_table
from ssltoolbox.plan import load_plan
from ssltoolbox.recipe import RecipeError, RecipeProblem

Put = Callable[..., Path]
SPLIT = {"train": "dikmo", "val": "bgln", "test": "acef"}
"""Where the hashes of these names lie with val: 0.3 and test: 0.3."""
SHARES = "val: 0.3, test: 0.3"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def put_index(tmp_path: Path, put_image: Put, header: str, cells: Callable[[str, int], str]) -> None:
    """Frames of everyone in SPLIT, and an index of them with these labels; `cells(split, frame)`."""
    lines = [f"path,identity,{header}"]
    for split, people in SPLIT.items():
        for person in people:
            for frame in range(2):
                put_image(tmp_path / f"{person}{frame}.png")
                lines.append(f"{person}{frame}.png,{person},{cells(split, frame)}")
    (tmp_path / "faces.csv").write_text("\n".join(lines))
    listing = list_table(tmp_path / "faces.csv", tmp_path, 5)
    build_index(listing, tmp_path / "i.index", workers=1, tick=lambda done: None)


def problems(
    folder: Path, evaluate: str, data: str = f"{{name: frames, index: i.index, {SHARES}}}"
) -> list[RecipeProblem]:
    """Errors and warnings alike."""
    recipe = write_recipe(folder, evaluate=evaluate, data=data, trainer="{steps: 1, batch_size: 2}")
    try:
        return list(load_plan(recipe).warnings)
    except RecipeError as error:
        return list(error.problems)


def test_a_task_without_frames_in_val_or_test_is_an_error(tmp_path: Path, put_clip: Put) -> None:
    for name in "ab":
        put_clip(f"faces/{name}/v/c")
    found = problems(tmp_path, "[identity]", "{name: frames, root: faces}")
    assert [problem.warning for problem in found] == [False, False]
    assert ["val split" in problem.message for problem in found] == [True, False]
    assert ["test split" in problem.message for problem in found] == [False, True]


def test_a_split_that_nobody_falls_to(tmp_path: Path, put_clip: Put) -> None:
    for name in "ac":
        put_clip(f"faces/{name}/v/c")
    (problem,) = problems(tmp_path, "[identity]", "{name: frames, root: faces, val: 0.001, test: 0.3}")[:1]
    assert not problem.warning


def test_a_task_that_names_no_split_needs_none(tmp_path: Path, put_clip: Put) -> None:
    put_clip("faces/d/v/c")
    put_clip("faces/i/v/c")
    assert problems(tmp_path, "[]", "{name: frames, root: faces}") == []


def test_a_label_that_a_split_lacks(tmp_path: Path, put_image: Put) -> None:
    put_index(tmp_path, put_image, "expression", lambda split, frame: "" if split == "val" else str(frame))
    (problem,) = problems(tmp_path, "[expression]")
    assert not problem.warning
    assert "val split" in problem.message


def test_a_train_split_with_one_class_is_an_error(tmp_path: Path, put_image: Put) -> None:
    put_index(
        tmp_path, put_image, "expression", lambda split, frame: "happy" if split == "train" else str(frame)
    )
    (problem,) = problems(tmp_path, "[expression]")
    assert not problem.warning
    assert "train split" in problem.message


def test_one_class_in_test_is_a_warning(tmp_path: Path, put_image: Put) -> None:
    put_index(
        tmp_path, put_image, "expression", lambda split, frame: "happy" if split == "test" else str(frame)
    )
    (problem,) = problems(tmp_path, "[expression]")
    assert problem.warning
    assert "test split" in problem.message


def test_values_out_of_range(tmp_path: Path, put_image: Put) -> None:
    """AffectNet's lists have -2 for a value that nobody gave."""
    lines = ["path,split,valence,arousal"]
    for split, arousal in (("train", 0.5), ("train", 0.1), ("val", 0.5), ("test", 1.5), ("test", 0.1)):
        put_image(tmp_path / f"{len(lines)}.png")
        lines.append(f"{len(lines)}.png,{split},{arousal / 2},{arousal}")
    (tmp_path / "faces.csv").write_text("\n".join(lines))
    (problem,) = problems(tmp_path, "[valence_arousal]", "{name: labelled, table: faces.csv, root: .}")
    assert not problem.warning
    assert "test split" in problem.message
    assert "arousal 1.5" in problem.message


def test_every_fold_is_looked_at(tmp_path: Path, put_image: Put) -> None:
    lines = ["path,identity,fold,smile"]
    for fold, smiles in (("1", "01"), ("2", "00"), ("3", "01"), ("4", "11")):
        for number in range(4):
            put_image(tmp_path / f"{len(lines)}.png")
            lines.append(f"{len(lines)}.png,p{len(lines)},{fold},{smiles[number % 2]}")
    (tmp_path / "faces.csv").write_text("\n".join(lines))
    task = "[{name: classification, label: smile}]"
    data = "{name: labelled, table: faces.csv, root: ., labels: {smile: ['0', '1']}, val: 0.3, fold: "
    assert problems(tmp_path, task, data + "1}") == []
    found = problems(tmp_path, task, data + "all}")
    assert [problem.warning for problem in found] == [True]
    assert "folds 2 and 4 of 4" in found[0].message
    assert "test split" in found[0].message


def test_check_warns_where_a_split_is_not_there_and_train_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in ("train", "test"):
        for expression in ("happy", "sad"):
            (tmp_path / "fer" / form / expression).mkdir(parents=True)
            for number in range(40):
                (tmp_path / "fer" / form / expression / f"{number}.png").touch()
    data = "{name: fer2013, root: fer}"
    assert problems(tmp_path, "[expression]", data) == []
    (tmp_path / "fer/test").rename(tmp_path / "fer/elsewhere")
    assert run(["check", "small.yaml"]) == 0
    assert "test split" in capsys.readouterr().err
    assert run(["train", "small.yaml", "--out", "run"]) == 2
    assert "test split" in capsys.readouterr().err
    assert not (tmp_path / "run/recipe.yaml").exists()


def test_what_is_not_used_of_the_data_is_a_warning(tmp_path: Path, put_clip: Put) -> None:
    put_clip("faces/d/v/c")
    clip = put_clip("faces/i/v/c")
    (clip / "9.gif").touch()
    put_run(tmp_path / "faces/runs/small/now")
    (problem,) = problems(tmp_path, "[]", "{name: frames, root: faces}")
    assert problem.warning
    assert "1 run folder" in problem.message
    assert "1 .gif file" in problem.message


class OldOptions(DatasetOptions):
    """A dataset of API 1, whose facts are those of the training split."""

    def facts(self) -> DataFacts:  # type: ignore[override]
        return DataFacts(clips=4, identities=4, frames=4, fps=1, size=8, shortest=1, longest=1)


def test_a_dataset_of_api_1_answers_for_train_alone() -> None:
    train = facts_of(OldOptions(), "train")
    assert train is not None
    assert train.clips == 4
    assert facts_of(OldOptions(), "val") is None
