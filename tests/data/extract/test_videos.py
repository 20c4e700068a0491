"""Which files are videos, and whose face they show."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.golden import Golden

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.data.extract.videos import find_videos


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "videos"
    for name in (
        "id10/a.mp4",
        "id2/s1/b8.MKV",
        "id2/s1/b10.mkv",
        "id2/s1/b9.mkv",
        "id2/.c.mp4",
        ".d/e.mp4",
        "f.txt",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def names(*places: Path, identity: str = "parent") -> list[str]:
    return [f"{video.identity}/{video.name}" for video in find_videos(places, identity)]


def test_the_identity_comes_from_parent_top_or_video(root: Path) -> None:
    assert names(root) == ["s1/b8", "s1/b9", "s1/b10", "id10/a"]
    assert names(root, identity="top") == ["id2/s1_b8", "id2/s1_b9", "id2/s1_b10", "id10/a"]
    assert names(root / "id2", identity="video") == ["b8/b8", "b9/b9", "b10/b10"]
    assert names(root / "id2", identity="top") == ["s1/b8", "s1/b9", "s1/b10"]


def test_a_file_is_taken_whatever_its_type(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names(root / "f.txt") == ["videos/f"]
    monkeypatch.chdir(root / "id10")
    assert names(Path("a.mp4")) == names(Path("a.mp4"), identity="top") == ["id10/a"]
    assert names(Path(".")) == ["id10/a"]


def test_the_same_file_twice_is_one_video(root: Path) -> None:
    assert names(root / "id10", root / "id10/a.mp4") == ["id10/a"]


def test_two_videos_with_one_name(root: Path, golden: Golden) -> None:
    (root / "id10/a.avi").touch()
    with pytest.raises(UserError) as caught:
        find_videos([root])
    golden(str(caught.value))


def test_missing_and_empty_folders_are_errors(root: Path, golden: Golden) -> None:
    with pytest.raises(DataNotFound) as missing:
        find_videos([root / "none"])
    golden(str(missing.value))
    (root / "empty").mkdir()
    with pytest.raises(UserError) as empty:
        find_videos([root / "empty"])
    golden(str(empty.value))
