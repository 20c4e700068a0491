from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.golden import Golden

from ssltoolbox.api import DataNotFound, Split, UserError
from ssltoolbox.data.frames.folder import read_folder
from ssltoolbox.data.splits import split_of

Put = Callable[..., Path]


def test_clips_are_known_by_number(tmp_path: Path, put_clip: Put) -> None:
    put_clip("id1/v/c", ["1.png", "2.png", "4.png"])
    (put_clip("id2/v/line\nbreak", ["10.png", "9.png"]) / "landmarks68.npy").touch()
    folder = read_folder(tmp_path, "train", val=0, test=0)
    assert len(folder) == 2
    assert folder.identities.tolist() == [0, 1]
    assert folder.lengths.tolist() == [3, 2]
    assert [folder.name(clip) for clip in range(2)] == ["id1/v/c", r"id2/v/line\nbreak"]
    assert folder.frames(1) == [f"id2/v/line\nbreak/{name}" for name in ("9.png", "10.png")]
    assert folder.landmarks(0) is None
    assert folder.landmarks(1) == "id2/v/line\nbreak/landmarks68.npy"
    np.testing.assert_allclose(folder.times(0, fps=2), [0, 0.5, 1.5])


def test_splits_share_no_identity_and_number_them_alike(tmp_path: Path, put_clip: Put) -> None:
    names = [f"id{number:02d}" for number in range(12)]
    for name in names:
        put_clip(f"{name}/v/c", ["1.png"])
    shares = {"val": 0.3, "test": 0.3}
    splits: list[Split] = ["train", "val", "test"]
    for split in splits:
        folder = read_folder(tmp_path, split, **shares)
        expected = [number for number, name in enumerate(names) if split_of(name, **shares) == split]
        assert folder.identities.tolist() == expected != []
        assert [folder.name(clip)[:4] for clip in range(len(folder))] == [
            names[number] for number in expected
        ]


def test_what_is_not_held_out_is_empty(tmp_path: Path, put_clip: Put) -> None:
    put_clip("id1/v/c")
    assert len(read_folder(tmp_path, "val", val=0, test=0)) == 0


def test_a_share_that_holds_nobody_is_an_error(tmp_path: Path, put_clip: Put, golden: Golden) -> None:
    put_clip("id1/v/c")
    with pytest.raises(UserError) as caught:
        read_folder(tmp_path, "val", val=1e-6, test=0)
    golden(str(caught.value))


def test_a_wrong_layout_is_an_error_in_every_split(tmp_path: Path, put_clip: Put) -> None:
    put_clip("root/id1/v/c")
    with pytest.raises(UserError, match=f"{re.escape(str(tmp_path / 'root'))}$"):
        read_folder(tmp_path / "root/id1/v", "val", val=0, test=0)


def test_a_missing_root_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataNotFound):
        read_folder(tmp_path / "gone", "train", val=0, test=0)


def test_a_copy_for_a_worker_is_a_few_bytes_for_each_frame(tmp_path: Path) -> None:
    for clip in range(20):
        path = tmp_path / f"id{clip % 2}/v/{clip:05d}"
        path.mkdir(parents=True)
        for frame in range(50):
            (path / f"{frame:07d}.jpg").touch()
    folder = read_folder(tmp_path, "train", val=0, test=0)
    copied = pickle.dumps(folder)
    assert len(copied) < 15 * int(folder.lengths.sum()) + 1000
    assert pickle.loads(copied).frames(19) == folder.frames(19)
