"""Small trees of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssltoolbox.cli.main import run as run_command
from ssltoolbox.engine.runs.folder import RunFolder


@pytest.fixture
def put_image() -> Callable[..., Path]:
    """Writes an image of one colour, or of the given pixels, and gives its path."""

    def put(
        path: Path, pixels: np.ndarray | None = None, *, size: tuple[int, int] = (16, 16), colour: int = 90
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = (
            Image.new("RGB", size, (colour, colour, colour)) if pixels is None else Image.fromarray(pixels)
        )
        image.save(path, format="PNG" if path.suffix.lower() == ".png" else "JPEG", quality=95)
        return path

    return put


@pytest.fixture
def put_clip(tmp_path: Path, put_image: Callable[..., Path]) -> Callable[..., Path]:
    """Writes a clip below tmp_path, `put_clip("id1/video/clip", ["1.png"])`, and gives its folder."""

    def put(folder: str, names: Iterable[str] = ("1.png", "2.png", "3.png"), **image: object) -> Path:
        for name in names:
            put_image(tmp_path / folder / name, **image)
        return tmp_path / folder

    return put


def put_index(folder: Path, frames: int, picture: Callable[[int, int], np.ndarray]) -> Path:
    """An index of four clips of so many frames; `picture(clip, frame)` gives [H, W, 3] pixels."""
    for clip in range(4):
        below = folder / f"frames/id{clip}/v/c"
        below.mkdir(parents=True)
        for frame in range(frames):
            Image.fromarray(picture(clip, frame)).save(below / f"{frame:02}.png")
    assert run_command(["data", "index", str(folder / "frames"), "-o", str(folder / "i.index")]) == 0
    return folder / "i.index"


def same_files(one: Path, other: Path) -> None:
    """Asserts that two folders hold files of the same names and bytes."""
    names = [sorted(str(path.relative_to(root)) for path in root.rglob("*")) for root in (one, other)]
    assert names[0] == names[1]
    for name in names[0]:
        if (one / name).is_file():
            assert (one / name).read_bytes() == (other / name).read_bytes(), name


def put_run(folder: Path) -> Path:
    """A folder with what tells a run's from data, and a picture."""
    run = RunFolder(folder)
    folder.mkdir(parents=True)
    for file in (run.recipe, run.environment):
        file.touch()
    Image.new("RGB", (16, 16)).save(folder / "pairs.png")
    return folder
