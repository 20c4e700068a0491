"""What lies inside of a root, and what only seems to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ssltoolbox.api import SslToolboxError
from ssltoolbox.support.files import beside, replaced
from ssltoolbox.support.paths import Root


@pytest.mark.parametrize(
    ("error", "raised"),
    [(OSError(28, "No space left"), SslToolboxError), (KeyboardInterrupt(), KeyboardInterrupt)],
)
def test_what_was_begun_and_failed_leaves_the_file_as_it_was(
    tmp_path: Path, error: BaseException, raised: type[BaseException]
) -> None:
    path = tmp_path / "x.json"
    path.write_text("before")

    def write() -> None:
        with replaced(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(raised):
        write()
    assert path.read_text() == "before"
    assert not beside(path).exists()


@pytest.fixture
def root(tmp_path: Path) -> str:
    """With a folder, links to it, and links out."""
    root = tmp_path / "root"
    (root / "a").mkdir(parents=True)
    (root / "a/x").touch()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/x").touch()
    (tmp_path / "root2").mkdir()
    (root / "in").symlink_to(root / "a")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "a/in").symlink_to(root / "a/x")
    (root / "a/out").symlink_to(tmp_path / "secret/x")
    return os.path.realpath(root)


@pytest.mark.parametrize("path", ["a/x", "gone", "a/gone", "in/x", "a/in", "a/../a/x", "./a/x"])
def test_paths_inside_a_root_are_held(root: str, path: str) -> None:
    assert Root(Path(root)).holds(os.path.join(root, path))


@pytest.mark.parametrize(
    "path", ["out/x", "a/out", "../secret/x", "a/../../secret/x", "..", "a/../..", "../root2/x"]
)
def test_paths_outside_a_root_are_not_held(root: str, path: str) -> None:
    assert not Root(Path(root)).holds(os.path.join(root, path))
