"""Sets of labelled clips: DFEW, FERV39k and MAFW."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from ssltoolbox.data.label_options import LabelColumn
from ssltoolbox.data.labelled.sets.base import Form, PublishedOptions, Row, first_of, lines

DFEW = ("happy", "sad", "neutral", "angry", "surprise", "disgust", "fear")
"""The classes with the numbers 1 to 7 of the lists."""
FERV39K = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
MAFW = (
    "anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", "contempt", "anxiety",
    "helplessness", "disappointment",
)  # fmt: skip


def _dfew(root: Path, options: DFEWOptions) -> Iterator[Row]:
    clips = first_of(root, "Clip/clip_224x224", "Clip/clip_224x224_16f")
    for fold in range(1, 6):
        file = root / f"EmoLabel_DataSplit/test(single-labeled)/set_{fold}.csv"
        for row in lines(file, r"(?P<number>\d+),(?P<expression>[1-7])", header=True):
            path = f"{clips}/{int(row['number']):05d}"
            yield {"path": path, "fold": f"{fold}", "expression": row["expression"]}


def _ferv39k(root: Path, options: FERV39kOptions) -> Iterator[Row]:
    clips = first_of(root, "2_ClipsforFaceCrop", "2_ClipsforFaceCrop/2_ClipsforFaceCrop")
    for split in ("train", "test"):
        name = f"{split}_All.csv"
        file = next(path for depth in ("", "*/", "*/*/") for path in root.glob(depth + name))
        for row in lines(file, r"(?P<path>\S+/\S+)[ ,](?P<expression>[A-Za-z]+)", header=True):
            yield row | {"path": f"{clips}/{row['path']}", "split": split}


def _mafw(root: Path, options: MAFWOptions) -> Iterator[Row]:
    clips = first_of(root, "data/frames", "frames", "data/clips")
    for fold in range(1, 6):
        file = root / f"Train & Test Set/single/no_caption/set_{fold}/test.txt"
        for row in lines(file, r"(?P<number>\d+)\.mp4\s+(?P<expression>\w+)"):
            yield {"path": f"{clips}/{row['number']}", "fold": f"{fold}", "expression": row["expression"]}


class DFEWOptions(PublishedOptions):
    """DFEW (Jiang et al. 2020): clips of films with seven expressions and five published folds."""

    inner = ("DFEW-part2",)
    forms = (Form(("EmoLabel_DataSplit/test(single-labeled)/set_5.csv", "Clip"), _dfew),)
    labels: ClassVar = {
        "expression": LabelColumn(classes={str(number): name for number, name in enumerate(DFEW, start=1)})
    }

    root: Path = Field(strict=False)
    """Holds `EmoLabel_DataSplit/test(single-labeled)/set_1.csv` to `set_5.csv` with lines `1,2` (clip, class), and
    the clips' frames `Clip/clip_224x224/00001/*.jpg` or `Clip/clip_224x224_16f/00001/*.jpg`."""

    fold: int | Literal["all"] | None = "all"
    """The published fold that is the test split, 1 to 5; `all` measures tasks on each and gives the mean."""


class FERV39kOptions(PublishedOptions):
    """FERV39k (Wang et al. 2022): clips of four kinds of scenes with seven expressions, and its published train
    and test splits."""

    forms = tuple(
        Form(("2_ClipsforFaceCrop", f"{depth}train_All.csv", f"{depth}test_All.csv"), _ferv39k)
        for depth in ("*/*/", "*/", "")
    )
    labels: ClassVar = {"expression": LabelColumn(classes=list(FERV39K))}

    root: Path = Field(strict=False)
    """Holds `2_ClipsforFaceCrop/<scene>/<class>/<clip>/*.jpg` and `4_setups/All_scenes/train_All.csv` and
    `test_All.csv` with lines `Action/Happy/0267 Happy`."""


class MAFWOptions(PublishedOptions):
    """MAFW (Liu et al. 2022): clips with eleven expressions and five published folds."""

    forms = (Form(("Train & Test Set/single/no_caption/set_5/test.txt",), _mafw),)
    labels: ClassVar = {"expression": LabelColumn(classes=list(MAFW))}

    root: Path = Field(strict=False)
    """Holds `Train & Test Set/single/no_caption/set_1/test.txt` to `set_5` with lines `00001.mp4 anger`, and the
    frames of the clips, cut from the published videos, in `data/frames/00001/*.png` or `frames/00001/*.png`."""

    fold: int | Literal["all"] | None = "all"
    """The published fold that is the test split, 1 to 5; `all` measures tasks on each and gives the mean."""
