from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.trees import put_run

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.data.images.tree import FoundClip, Tree
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.folders import list_folder

Put = Callable[..., Path]


def clips(root: Path) -> list[FoundClip]:
    tree = Tree(root)
    return [clip for identity in tree.identities() for clip in tree.clips(identity)]


def test_clips_are_found_in_natural_order(tmp_path: Path, put_clip: Put) -> None:
    put_clip("id10/v1/1", ["1.jpg"])
    put_clip("id9/v2/10", ["10.png", "9.jpg", "11.JPEG"])
    put_clip("id9/v2/9", ["a.JPG"])
    assert clips(tmp_path) == [
        FoundClip("id9/v2/9", ["a.JPG"], False),
        FoundClip("id9/v2/10", ["9.jpg", "10.png", "11.JPEG"], False),
        FoundClip("id10/v1/1", ["1.jpg"], False),
    ]


def test_voxceleb1_tree_has_names_as_identities(tmp_path: Path, put_clip: Put) -> None:
    put_clip("A.J._Buckley/1.6/J9lHsKG98U8", ["0000025.jpg", "0000050.jpg"])
    put_clip("Zulay_Henao/1.6/-aB_cD3", ["0000025.jpg"])
    assert Tree(tmp_path).identities() == ["A.J._Buckley", "Zulay_Henao"]
    assert [clip.folder for clip in clips(tmp_path)] == [
        "A.J._Buckley/1.6/J9lHsKG98U8",
        "Zulay_Henao/1.6/-aB_cD3",
    ]


def test_what_is_no_frame_is_passed_over(tmp_path: Path, put_clip: Put) -> None:
    clip = put_clip("id1/v/c", ["1.jpg", "._1.jpg"])
    put_clip(".hidden/v/c")
    put_clip("id1/.hidden/c")
    put_clip("id1/v/.hidden")
    (clip / "notes.txt").write_text("notes")
    (clip / "jpg").write_text("no suffix")
    (clip / "folder.jpg").mkdir()
    (tmp_path / "README.md").write_text("readme")
    (tmp_path / "id1" / "v" / "empty").mkdir()
    os.mkfifo(clip / "pipe.jpg")
    assert clips(tmp_path) == [FoundClip("id1/v/c", ["1.jpg"], False)]


def test_images_of_all_types_that_are_read(tmp_path: Path, put_clip: Put) -> None:
    names = ["1.jpg", "2.JPEG", "3.jpe", "4.jfif", "5.png", "6.webp", "7.bmp", "8.tif", "9.tiff"]
    put_clip("id1/v/c", names)
    assert clips(tmp_path) == [FoundClip("id1/v/c", names, False)]


class TestLeftOut:
    def left_out(self, root: Path) -> dict[str, int]:
        """What a listing of everything counts, however often it is listed."""
        tree = Tree(root)
        for _ in range(2):
            for identity in tree.identities():
                list(tree.clips(identity))
        return tree.left_out

    def test_pictures_that_are_not_read_are_counted(self, tmp_path: Path, put_clip: Put) -> None:
        clip = put_clip("id1/v/c", ["1.jpg"])
        for name in ("2.gif", "3.GIF", "4.heic", "notes.txt", ".5.gif"):
            (clip / name).touch()
        assert self.left_out(tmp_path) == {".gif file": 2, ".heic file": 1}

    def test_what_a_run_wrote_is_no_data(self, tmp_path: Path, put_clip: Put, put_image: Put) -> None:
        """A run's pairs.png lies where a frame may, at each depth of the tree."""
        put_clip("id1/v/c", ["1.png"])
        for depth in ("runs/name/2024-01-01", "id1/run", "run"):
            put_image(put_run(tmp_path / depth) / "more/saliency/map.png")
        assert [clip.folder for clip in clips(tmp_path)] == ["id1/v/c"]
        assert self.left_out(tmp_path) == {"run folder": 3}

    def test_a_benchmark_and_an_index_are_no_data(
        self, tmp_path: Path, put_clip: Put, put_image: Put
    ) -> None:
        put_clip("id1/v/c", ["1.png"])
        bench = BenchFolder(tmp_path / "id1/bench")
        put_image(bench.path / "jobs/7/pairs.png")
        put_image(bench.path / "jobs/pairs.png")
        bench.results.write_text("{}")
        build_index(list_folder(tmp_path, 5), tmp_path / "id1/v/i", workers=1, tick=lambda done: None)
        put_image(tmp_path / "id1/v/i/sheet.png")
        assert [clip.folder for clip in clips(tmp_path)] == ["id1/v/c"]
        assert self.left_out(tmp_path) == {"benchmark folder": 1, "index": 1}


def test_landmarks_beside_frames_are_seen(tmp_path: Path, put_clip: Put) -> None:
    (put_clip("id1/v/c", ["1.jpg"]) / "landmarks68.npy").touch()
    assert clips(tmp_path) == [FoundClip("id1/v/c", ["1.jpg"], True)]


def test_odd_names_are_found_as_they_are(tmp_path: Path, put_clip: Put) -> None:
    identity = os.fsdecode(b"Jos\xe9 \n")
    put_clip(f"{identity}/v v/c", ["a b.jpg"])
    assert clips(tmp_path) == [FoundClip(f"{identity}/v v/c", ["a b.jpg"], False)]


def test_a_missing_root_is_not_found(tmp_path: Path, golden: Golden) -> None:
    with pytest.raises(DataNotFound) as caught:
        Tree(tmp_path / "vox")
    golden(str(caught.value))


def test_a_root_that_is_a_file_is_refused(put_image: Put, tmp_path: Path, golden: Golden) -> None:
    path = put_image(tmp_path / "vox.jpg")
    with pytest.raises(UserError) as caught:
        Tree(path)
    golden(str(caught.value))
    assert not isinstance(caught.value, DataNotFound)


def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, put_clip: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = put_clip("id1/v/c")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if path == str(locked):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError) as caught:
        clips(tmp_path)
    assert str(caught.value) == f"{locked}: Permission denied"


class TestLayout:
    expected = "no frames at <identity>/<video>/<clip>/<frame>.jpg"

    def message(self, root: Path) -> str:
        with pytest.raises(UserError) as caught:
            Tree(root).check_layout()
        return str(caught.value)

    def test_a_right_layout_passes(self, tmp_path: Path, put_clip: Put) -> None:
        put_clip("id1/v/c")
        put_clip("id0")
        Tree(tmp_path).check_layout()

    def test_a_tree_without_images_is_an_error(self, tmp_path: Path) -> None:
        assert self.message(tmp_path).startswith(f"{tmp_path}: {self.expected}; ")

    def test_a_folder_without_images_is_an_error_with_its_types(self, tmp_path: Path) -> None:
        for name in ("a/b/c/1.mp4", "a/b/c/2.mp4", "a/b/c/notes.txt"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        message = self.message(tmp_path)
        assert "no image" in message
        assert "2 .mp4, 1 .txt" in message

    @pytest.mark.parametrize(("image", "meant"), [("x/a/b/c/1.png", "x"), ("x/y/a/b/c/1.png", "x/y")])
    def test_a_root_too_far_up_gets_advice(
        self, tmp_path: Path, put_image: Put, image: str, meant: str
    ) -> None:
        put_image(tmp_path / image)
        message = self.message(tmp_path)
        assert message.startswith(f"{tmp_path}: {self.expected}; ")
        assert f" {image}" in message
        assert message.endswith(f" {tmp_path / meant}?")

    @pytest.mark.parametrize(("root", "image"), [("a/b", "c/1.png"), ("a", "b/c/1.png")])
    def test_a_root_too_far_down_gets_advice(
        self, tmp_path: Path, put_image: Put, root: str, image: str
    ) -> None:
        """What is missing may lie above the root."""
        put_image(tmp_path / root / image)
        message = self.message(tmp_path / root)
        assert f" {image}" in message
        assert "identity, video and clip" in message
        assert message.endswith(f" {tmp_path}")

    def test_a_flat_folder_is_an_error_with_the_expected_layout(self, tmp_path: Path, put_image: Put) -> None:
        """It is told what is missing; nobody guesses at the folder above."""
        put_image(tmp_path / "faces/1.png")
        message = self.message(tmp_path / "faces")
        assert "identity, video and clip" in message
        assert "table" in message
        assert not message.endswith(f" {tmp_path}")


class TestLinks:
    def test_inside_of_the_root_are_followed(self, tmp_path: Path, put_clip: Put) -> None:
        clip = put_clip("id1/v/c", ["1.png"])
        (clip / "2.png").symlink_to("1.png")
        (tmp_path / "id2").symlink_to("id1")
        assert [(c.folder, c.frames) for c in clips(tmp_path)] == [
            ("id1/v/c", ["1.png", "2.png"]),
            ("id2/v/c", ["1.png", "2.png"]),
        ]

    def test_a_root_may_be_one(self, tmp_path: Path, put_clip: Put) -> None:
        put_clip("data/id1/v/c", ["1.png"])
        (tmp_path / "data/id2").symlink_to(tmp_path / "data/id1")
        (tmp_path / "root").symlink_to("data")
        assert [clip.folder for clip in clips(tmp_path / "root")] == ["id1/v/c", "id2/v/c"]

    @pytest.mark.parametrize("link", ["id2", "id1/w", "id1/v/d", "id1/v/c/9.png", "id1/v/c/landmarks68.npy"])
    def test_that_lead_out_are_refused(self, tmp_path: Path, put_clip: Put, link: str) -> None:
        outside = put_clip("outside")
        put_clip("root/id1/v/c")
        path = tmp_path / "root" / link
        path.symlink_to(outside / "1.png" if path.suffix else outside)
        with pytest.raises(UserError) as caught:
            clips(tmp_path / "root")
        message = str(caught.value)
        assert message.startswith(f"{path}: ")
        assert f" {tmp_path}/root" in message
        assert "follow_links" in message

    def test_that_lead_out_can_be_followed(self, tmp_path: Path, put_clip: Put) -> None:
        outside = put_clip("outside/id2/v/c", ["1.png"])
        put_clip("root/id1/v/c", ["1.png"])
        (tmp_path / "root/id2").symlink_to(outside.parents[1])
        (tmp_path / "root/id1/v/c/2.png").symlink_to(outside / "1.png")
        tree = Tree(tmp_path / "root", follow_links=True)
        found = [clip for identity in tree.identities() for clip in tree.clips(identity)]
        assert [(clip.folder, clip.frames) for clip in found] == [
            ("id1/v/c", ["1.png", "2.png"]),
            ("id2/v/c", ["1.png"]),
        ]

    def test_a_tree_of_nothing_else_is_no_empty_tree(self, tmp_path: Path, put_clip: Put) -> None:
        put_clip("outside")
        (tmp_path / "root/id1/v").mkdir(parents=True)
        (tmp_path / "root/id1/v/c").symlink_to(tmp_path / "outside")
        with pytest.raises(UserError, match="follow_links"):
            Tree(tmp_path / "root", lenient=True).check_layout()

    def test_that_lead_out_are_left_out_with_the_reason(self, tmp_path: Path, put_clip: Put) -> None:
        outside = put_clip("outside")
        put_clip("root/id1/v/c", ["1.png"])
        (tmp_path / "root/id1/v/c/2.png").symlink_to(outside / "1.png")
        tree = Tree(tmp_path / "root", lenient=True)
        assert [clip.frames for clip in tree.clips("id1")] == [["1.png"]]
        [(path, reason)] = tree.reasons
        assert path == "id1/v/c/2.png"
        assert str(tmp_path / "root") in reason

    def test_that_lead_nowhere_are_passed_over(self, tmp_path: Path, put_clip: Put) -> None:
        clip = put_clip("id1/v/c", ["1.png"])
        (clip / "2.png").symlink_to("gone.png")
        (clip / "3.png").symlink_to("3.png")
        (tmp_path / "id2").symlink_to("gone")
        assert clips(tmp_path) == [FoundClip("id1/v/c", ["1.png"], False)]

    def test_of_no_concern_are_left_alone(self, tmp_path: Path, put_clip: Put) -> None:
        put_clip("outside")
        clip = put_clip("root/id1/v/c", ["1.png"])
        (clip / "notes.txt").symlink_to(tmp_path / "outside" / "1.png")
        assert clips(tmp_path / "root") == [FoundClip("id1/v/c", ["1.png"], False)]

    def test_to_a_folder_above_do_not_go_round(self, tmp_path: Path, put_clip: Put) -> None:
        put_clip("id1/v/c", ["1.png"])
        (tmp_path / "id1" / "loop").symlink_to(tmp_path)
        assert [clip.folder for clip in clips(tmp_path)] == ["id1/v/c"]
