from pathlib import Path

import pytest

from ssltoolbox.recipe import Located, Place, resolve_path


def path_in(folder: Path, text: str) -> Path:
    return resolve_path(Located(text, Place(str(folder / "x.yaml"), 1, 1)))


def test_a_path_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    assert path_in(tmp_path, "data/vox.index") == tmp_path / "data" / "vox.index"
    assert path_in(tmp_path / "recipes", "../vox.index") == tmp_path / "vox.index"
    assert path_in(tmp_path, "/data/vox.index") == Path("/data/vox.index")


def test_a_path_from_the_command_line_is_relative_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve_path(Located("vox.index", Place("--set", 1, 1))) == tmp_path / "vox.index"


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert path_in(tmp_path, "~/vox.index") == Path("/home/ada/vox.index")


def test_two_dots_after_a_link_are_the_parent_of_its_target(tmp_path: Path) -> None:
    (tmp_path / "disk" / "faces").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "disk" / "faces")
    assert path_in(tmp_path, "link/../vox.index") == tmp_path / "disk" / "vox.index"


def test_a_link_without_two_dots_is_kept_and_a_circle_of_links_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "link")
    assert path_in(tmp_path, "link") == tmp_path / "link"
    assert path_in(tmp_path, "link/../vox.index").name == "vox.index"


def test_a_located_value_finds_its_children() -> None:
    place = Place("/x.yaml", 1, 1)
    one = Located(1, place)
    node = Located({"a": Located([one], place)}, place)
    a = node.child("a")
    assert a is not None
    assert a.child(0) is one
    assert (a.child(1), a.child(-1), a.child("a"), one.child("a")) == (None, None, None, None)
    assert node.plain() == {"a": [1]}
