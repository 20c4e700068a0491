"""Trees of frames as they are published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.data.index.listing import frames_root, list_tree

Put = Callable[..., Path]


def names(root: Path) -> list[tuple[str, str, str, int]]:
    return [(c.identity, c.video, c.clip, len(c.paths)) for c in list_tree(frames_root(root), 5)]


def test_any_tree_of_that_depth(tmp_path: Path, put_clip: Put) -> None:
    put_clip("id10/v/c", ["1.png"])
    put_clip("id9/v2/c1", ["1.png", "2.png"])
    put_clip("id9/v2/c2", ["1.png"])
    (tmp_path / "id9/v3/empty").mkdir(parents=True)
    assert names(tmp_path) == [("id9", "v2", "c1", 2), ("id9", "v2", "c2", 1), ("id10", "v", "c", 1)]


def test_voxceleb1s_unzipped_faces(tmp_path: Path, put_clip: Put) -> None:
    put_clip("unzippedFaces/A.J._Buckley/1.6/abc", ["0000025.png", "0000050.png"])
    put_clip("unzippedFaces/Zoe/1.6/xyz", ["0000025.png"])
    assert names(tmp_path / "unzippedFaces") == [("A.J._Buckley", "abc", "1.6", 2), ("Zoe", "xyz", "1.6", 1)]


def test_voxceleb1s_unzipped_interval_faces(tmp_path: Path, put_clip: Put) -> None:
    put_clip("unzippedIntervalFaces/data/A.J._Buckley/1.6/abc", ["1.png"])
    put_clip("unzippedIntervalFaces/data/Zoe/1.6/xyz/track1", ["1.png"])
    put_clip("unzippedIntervalFaces/data/Zoe/1.6/xyz/track2", ["1.png"])
    expected = [("A.J._Buckley", "abc", "1.6", 1), ("Zoe", "xyz", "track1", 1), ("Zoe", "xyz", "track2", 1)]
    for folder in ("unzippedIntervalFaces", "unzippedIntervalFaces/data"):
        assert names(tmp_path / folder) == expected


def test_numbers_and_times_are_those_of_the_names(tmp_path: Path, put_clip: Put) -> None:
    put_clip("a/v/c", ["0000025.png", "0000050.png", "0000100.png"])
    put_clip("b/v/c", ["left.png", "right.png"])
    put_clip("c/v/c", [f"{10**30}.png"])
    numbered, named, huge = list_tree(tmp_path, 5)
    assert numbered.numbers.tolist() == [25, 50, 100]
    assert numbered.times.tolist() == pytest.approx([0, 0.2, 0.6])
    assert named.numbers.tolist() == [0, 1]
    assert named.times.tolist() == pytest.approx([0, 0.2])
    assert huge.numbers.tolist() == [0]


def test_what_is_no_tree(tmp_path: Path, put_clip: Put) -> None:
    with pytest.raises(DataNotFound, match=str(tmp_path / "gone")):
        names(tmp_path / "gone")
    put_clip("id1/v", ["1.png"])
    with pytest.raises(UserError) as caught:
        names(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}: ")
    assert "<identity>/<video>/<clip>/<frame>.jpg" in message
    assert " id1/v/1.png" in message
    assert message.endswith(f" {tmp_path.parent}")
