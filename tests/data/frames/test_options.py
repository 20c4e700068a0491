from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.golden import Golden
from pydantic import ValidationError

from ssltoolbox.api import DataFacts, DataNotFound, Problem, Setting
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.data.splits import split_of

Put = Callable[..., Path]


def test_facts_come_from_the_listing(tmp_path: Path, put_clip: Put) -> None:
    put_clip("id1/v/1", ["1.png"])
    (put_clip("id1/v/2", ["1.png", "2.png", "3.png"]) / "landmarks68.npy").touch()
    put_clip("id2/v/1", ["1.png", "2.png"])
    assert FramesOptions(root=tmp_path, fps=5, size=64).facts() == DataFacts(
        clips=3, identities=2, frames=6, fps=5, size=64, shortest=1, longest=3, landmarks=True
    )


def test_facts_are_of_the_training_split(tmp_path: Path, put_clip: Put) -> None:
    names = [f"id{number:02d}" for number in range(12)]
    for name in names:
        put_clip(f"{name}/v/c", ["1.png"])
    left = sum(split_of(name, val=0.1, test=0.1) == "train" for name in names)
    assert 2 <= left < 12
    assert FramesOptions(root=tmp_path, val=0.1, test=0.1).facts().identities == left
    assert FramesOptions(root=tmp_path).facts().identities == 12
    assert not FramesOptions(root=tmp_path).facts().landmarks


def test_facts_of_a_missing_root(tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match=str(tmp_path / "gone")):
        FramesOptions(root=tmp_path / "gone").facts()


@pytest.mark.parametrize("shares", [{}, {"val": 1e-6}])
def test_training_on_a_single_identity_is_warned_of(
    tmp_path: Path, put_clip: Put, shares: dict[str, float], golden: Golden
) -> None:
    put_clip("id1/v/c")
    (tmp_path / "nobody").mkdir()
    options = FramesOptions(root=tmp_path, **shares)
    (problem,) = options.problems(Setting(options.facts(), instances=8, draws=8, hard_negatives=0))
    assert problem == Problem("", problem.message, problem.hint, warning=True)
    golden(problem.hint)
    golden(problem.message)
    put_clip("id2/v/c")
    options = FramesOptions(root=tmp_path, **shares)
    assert not [*options.problems(Setting(options.facts(), instances=8, draws=8, hard_negatives=0))]


def test_a_recipe_gives_the_root_as_text() -> None:
    assert FramesOptions.model_validate({"root": "/data/vox1"}).root == Path("/data/vox1")


def test_defaults_are_voxcelebs() -> None:
    options = FramesOptions(root=Path("/data"))
    assert (options.fps, options.size, options.val, options.test) == (None, 128, 0, 0)


def test_the_frame_rate_is_the_papers_unless_given(tmp_path: Path, put_clip: Put) -> None:
    put_clip("id1/v/c")
    put_clip("id2/v/c")
    assert FramesOptions(root=tmp_path).facts().fps == 25 / 6


@pytest.mark.parametrize("given", [{}, {"root": "/data", "index": "/vox1.index"}])
def test_either_a_root_or_an_index(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"either root, .*or index"):
        FramesOptions.model_validate(given)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fps": 0.0},
        {"fps": -1.0},
        {"size": 7},
        {"size": 2000},
        {"val": 1.0},
        {"test": -0.1},
        {"rate": 5},
        {"size": "8"},
    ],
)
def test_options_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        FramesOptions.model_validate({"root": "/data", **wrong})
    assert [error["loc"] for error in caught.value.errors()] == [tuple(wrong)]


def test_something_is_left_to_train_on() -> None:
    with pytest.raises(ValidationError, match=r"\bval\b.*\btest\b"):
        FramesOptions(root=Path("/data"), val=0.5, test=0.5)


def test_facts_import_no_torch(tmp_path: Path, put_clip: Put) -> None:
    put_clip("id1/v/c")
    put_clip("id2/v/c")
    code = (
        "import sys, pathlib; from ssltoolbox.data.frames.options import FramesOptions;"
        f"FramesOptions(root=pathlib.Path({str(tmp_path)!r})).facts(); sys.exit('torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
