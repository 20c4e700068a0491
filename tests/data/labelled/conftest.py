"""Tiny folders of the published forms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

COLUMNS = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
)
Made = Callable[..., Path]


def picture(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (40, 40)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def points(left: float, top: float) -> np.ndarray:
    """[68, 2], all at one place but the last."""
    return np.array([[left, top]] * 67 + [[left + 10, top + 10]])


def affectnet_row(path: str, expression: int, valence: float = 0.5, arousal: float = -0.25) -> str:
    marks = ";".join(f"{number:g}" for number in points(30, 20).ravel())
    return f"{path},30,20,20,20,{marks},{expression},{valence},{arousal}"


@pytest.fixture
def affectnet_lists(tmp_path: Path) -> Path:
    """Twenty training images and three of validation; the face, at (30, 20), is red."""
    root = tmp_path / "affectnet"
    lists = root / "Manually_Annotated_file_lists"
    lists.mkdir(parents=True)
    train = [affectnet_row(f"{n % 3}/{n:04}.png", n % 11) for n in range(20)]
    test = [affectnet_row(f"9/{n}.png", n, valence=-2 if n == 1 else 0.5) for n in (0, 1, 8)]
    (lists / "training.csv").write_text("\n".join([COLUMNS, *train]) + "\n")
    (lists / "validation.csv").write_text("\r\n".join([COLUMNS, *test]) + "\r\n\r\n")
    for row in train + test:
        path = root / "Manually_Annotated_Images" / row.partition(",")[0]
        picture(path, (0, 0, 255), (80, 60))
        with Image.open(path) as image:
            image.paste((255, 0, 0), (30, 20, 50, 40))
            image.save(path)
    return root


@pytest.fixture
def affectnet_folders(tmp_path: Path) -> Path:
    root = tmp_path / "affectnet-npy"
    for folder, count in (("train_set", 20), ("val_set", 2)):
        for n in range(count):
            picture(root / folder / "images" / f"{n}.jpg", (200, 0, 0))
            stem = root / folder / "annotations" / str(n)
            stem.parent.mkdir(exist_ok=True)
            np.save(f"{stem}_exp.npy", np.array(str(n % 8)))
            np.save(f"{stem}_val.npy", np.array("-0.5"))
            np.save(f"{stem}_aro.npy", np.array("0.25"))
            np.save(f"{stem}_lnd.npy", points(9.5, 19.5).ravel())
    return root


@pytest.fixture
def fer_csv(tmp_path: Path) -> Path:
    """All seven emotions of each usage; the pixels are ten times the emotion."""
    root = tmp_path / "fer"
    root.mkdir()
    rows = [
        f"{emotion},{' '.join([str(10 * emotion)] * 48 * 48)},{usage}"
        for usage in ("Training", "PublicTest", "PrivateTest")
        for emotion in range(7)
    ]
    (root / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *rows, ""]))
    return root


@pytest.fixture
def fer_folders(tmp_path: Path) -> Path:
    root = tmp_path / "fer-folders"
    for split, count in (("train", 20), ("test", 2)):
        for name in ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"):
            for n in range(count):
                path = root / split / name / f"{split}_{n}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("L", (48, 48), 7).save(path)
    return root


@pytest.fixture
def lfw(tmp_path: Path) -> Path:
    """Two folds of four people, and twelve people to develop with; each person has a colour of their own."""
    root = tmp_path / "lfw"
    people = [f"Person_{n:02}" for n in range(20)]
    for n, name in enumerate(people):
        for image in (1, 2):
            picture(root / "lfw" / name / f"{name}_{image:04d}.jpg", (10 * n, 250 - 10 * n, 128), (50, 50))
    folds = [f"{a}\t1\t2\n{b}\t1\t2\n{a}\t1\t{b}\t2\n{a}\t2\t{b}\t1\n" for a, b in (people[0:2], people[2:4])]
    (root / "pairs.txt").write_text("2\t2\n" + "".join(folds))
    same = "".join(f"{name}\t1\t2\n" for name in people[4:])
    other = "".join(f"{name}\t1\tPerson_04\t2\n" for name in people[5:]) + "Person_04\t1\tPerson_05\t1\n"
    (root / "pairsDevTrain.txt").write_text("16\n" + same + other)
    return root
