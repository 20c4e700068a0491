"""FER+ (Barsoum et al., Training Deep Networks for Facial Expression Recognition with Crowd-Sourced, 2016)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from ssltoolbox.data.label_options import LabelColumn
from ssltoolbox.data.labelled.sets.base import Form, PublishedOptions, Row, cells, line_of, most_voted

CLASSES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
VOTED = (*CLASSES, "unknown", "NF")
FOLDERS = {"FER2013Train": "train", "FER2013Valid": "val", "FER2013Test": "test"}
USAGES = {"Training": "FER2013Train", "PublicTest": "FER2013Valid", "PrivateTest": "FER2013Test"}


def _row(file: Path, line: int, folder: str, name: str, written: Sequence[str]) -> Row:
    with line_of(file, line):
        counts = dict(zip(VOTED, map(float, written), strict=True))
    # A single vote is ignored, as in the authors' own reader.
    majority = most_voted({name: count if count > 1 else 0.0 for name, count in counts.items()})
    total = sum(counts[name] for name in CLASSES) or 1.0
    shares = {f"votes_{name}": f"{counts[name] / total:.6f}" for name in CLASSES}
    label = majority if majority in CLASSES else ""
    return {"path": f"{folder}/{name}", "split": FOLDERS[folder], "expression": label, **shares}


def _folders(root: Path, options: FERPlusOptions) -> Iterator[Row]:
    for folder in FOLDERS:
        file = root / folder / "label.csv"
        for line, row in cells(file):
            yield _row(file, line, folder, row[0], row[-len(VOTED) :])


def _new_csv(root: Path, options: FERPlusOptions) -> Iterator[Row]:
    file = root / "fer2013new.csv"
    for line, row in cells(file):
        if row[0] in USAGES and row[1].strip():  # images that the authors removed have no name
            yield _row(file, line, USAGES[row[0]], row[1].strip(), row[2:])


class FERPlusOptions(PublishedOptions):
    """FER+: the images of FER2013 with the votes of ten people. The label `expression` is the class with more than
    half of the votes; the label `votes` has the share of votes for each of the eight classes."""

    inner = ("data",)
    forms = (
        Form(tuple(f"{folder}/label.csv" for folder in FOLDERS), _folders),
        Form(("fer2013new.csv", *FOLDERS), _new_csv),
    )
    labels: ClassVar = {
        "expression": LabelColumn(classes=list(CLASSES)),
        "votes": LabelColumn(kind="number", columns=[f"votes_{name}" for name in CLASSES]),
    }

    root: Path = Field(strict=False)
    """Holds, in itself or in `data`, the folders FER2013Train, FER2013Valid and FER2013Test with `fer0000000.png`,
    … (the script of the set writes them), and either `label.csv` in each folder or `fer2013new.csv` next to
    them."""

    size: int = Field(default=48, ge=8, le=1024)
    """Height and width that images are resized to, in pixels."""
