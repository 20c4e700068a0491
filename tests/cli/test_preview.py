"""`ssltoolbox preview`."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from helpers.golden import Golden
from helpers.recipes import write_recipe
from PIL import Image

from ssltoolbox.api import UserError
from ssltoolbox.cli.preview import preview

SMALL = {"views": "{name: standard, size: 32}", "data": "{name: synthetic_faces, clips: 80, frames: 20}"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> str:
    """What is printed; errors come as they are raised."""
    return CliRunner().invoke(preview, arguments, catch_exceptions=False, standalone_mode=False).output


def test_preview_writes_the_picture_and_prints_its_path(tmp_path: Path, golden: Golden) -> None:
    recipe = str(write_recipe(tmp_path, **SMALL))
    golden(run(recipe, "--samples", "1"))
    assert (tmp_path / "pairs.png").read_bytes().startswith(b"\x89PNG")


def test_preview_takes_samples_step_and_overrides(tmp_path: Path, golden: Golden) -> None:
    recipe = str(write_recipe(tmp_path, **SMALL))
    printed = run(recipe, "-o", "x.PNG", "--samples", "20", "--step", "3", "--set", "trainer.batch_size=4")
    reason, done = printed.splitlines()
    assert all(part in reason for part in ("4 samples", "20", "trainer.batch_size"))
    golden(done)
    assert (tmp_path / "x.PNG").is_file()
    assert not (tmp_path / "pairs.png").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["-o", "pairs.jpg"],
        ["-o", "folder.png"],
        ["--samples", "0"],
        ["--step", "-1"],
    ],
)
def test_wrong_arguments_of_preview_are_usage_errors(
    tmp_path: Path, arguments: list[str], golden: Golden
) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(click.BadParameter) as error:
        run(str(write_recipe(tmp_path, **SMALL)), *arguments)
    assert error.value.exit_code == 2
    golden(error.value.message)


def test_errors_of_the_recipe_leave_no_picture(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="steps 0 to 29"):
        run(str(write_recipe(tmp_path, **SMALL)), "--step", "30")
    with pytest.raises(UserError, match="simclar"):
        run(str(write_recipe(tmp_path, **SMALL, method="simclar")))
    assert not (tmp_path / "pairs.png").exists()


def test_unreadable_frames_are_named(tmp_path: Path, golden: Golden) -> None:
    clips = [tmp_path / "faces" / f"id{number}" / "video" / "clip" for number in range(2)]
    for clip in clips:
        clip.mkdir(parents=True)
        for number in range(1, 13):
            Image.new("RGB", (32, 32), (20 * number, 0, 0)).save(clip / f"{number:04}.jpg")
    anchors = "{name: frames, root: faces, size: 32}"
    recipe = str(
        write_recipe(tmp_path, data=anchors, views=SMALL["views"], trainer="{steps: 3, batch_size: 2}")
    )
    golden(run(recipe, "--draws", "2"))
    for number in range(1, 12):
        (clips[0] / f"{number:04}.jpg").write_bytes(b"cut short")
    first, *_, last = run(recipe).splitlines()
    assert str(clips[0].relative_to(tmp_path)) in first
    golden(last)
