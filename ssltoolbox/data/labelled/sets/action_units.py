"""Sets of action units: BP4D and DISFA."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from ssltoolbox.data.label_options import LabelColumn
from ssltoolbox.data.labelled.sets.base import (
    Form,
    PublishedOptions,
    Row,
    cells,
    first_of,
    frames_by_number,
    line_of,
    lines,
)

BP4D = [f"AU{number}" for number in (1, 2, 4, 6, 7, 10, 12, 14, 15, 17, 23, 24)]
DISFA = [f"AU{number}" for number in (1, 2, 4, 6, 9, 12, 25, 26)]
PRESENT = 2.0
"""The lowest intensity, of 0 to 5 in DISFA, that counts as present."""


def _bp4d(root: Path, options: BP4DOptions) -> Iterator[Row]:
    images = first_of(root, "2D+3D", "Sequences(2D+3D)", ".")
    for file in sorted((*root.glob("AUCoding/AU_OCC/*.csv"), *root.glob("AU_OCC/*.csv"))):
        person, _, task = file.stem.partition("_")
        found = frames_by_number(root, f"{images}/{person}/{task}")
        rows = cells(file)
        header = [f"AU{cell.strip()}" for cell in next(rows)[1][1:]]
        for line, row in rows:
            with line_of(file, line):
                frame = int(float(row[0]))
                shown = dict(zip(header, map(str.strip, row[1:]), strict=True))
            if frame in found:
                units = {unit: shown.get(unit, "") for unit in BP4D}
                yield {"path": found[frame], "identity": person, "clip": task, "frame": f"{frame}", **units}


def _disfa(root: Path, options: DISFAOptions) -> Iterator[Row]:
    images = first_of(root, "Images", "images", "Videos_LeftCamera")
    for folder in sorted((root / "ActionUnit_Labels").glob("SN*/")):
        person = folder.name
        levels = {
            unit: {
                row["frame"]: row["level"]
                for row in lines(
                    folder / f"{person}_{unit.lower()}.txt", r"(?P<frame>\d+),\s*(?P<level>[0-5])"
                )
            }
            for unit in DISFA
        }
        for frame, path in sorted(frames_by_number(root, f"{images}/{person}").items()):
            shown = {unit: level.get(f"{frame}", "") for unit, level in levels.items()}
            yield {"path": path, "identity": person, "clip": person, "frame": f"{frame}", **shown}


class _UnitOptions(PublishedOptions):
    fold: int | Literal["all"] | None = "all"
    """The fold of people that is the test split, from 1; `all` measures tasks on each fold and gives the mean."""

    folds: int | None = Field(default=3, ge=2)
    """The number of folds that the people are divided into."""


class BP4DOptions(_UnitOptions):
    """BP4D (Zhang et al. 2014): 41 people doing eight tasks, with 12 action units as the label `aus`, measured on
    three folds of people."""

    forms = (Form(("AUCoding/AU_OCC/*.csv",), _bp4d), Form(("AU_OCC/*.csv",), _bp4d))
    labels: ClassVar = {"aus": LabelColumn(columns=BP4D, missing=["9"])}

    root: Path = Field(strict=False)
    """Holds `AUCoding/AU_OCC/F001_T1.csv` (frame numbers and units, 9 for unknown) and the frames
    `2D+3D/F001/T1/0001.jpg`, or `F001/T1/0001.jpg`."""


class DISFAOptions(_UnitOptions):
    """DISFA (Mavadati et al. 2013): 27 people watching a video, with 8 action units as the label `aus`, measured
    on three folds of people. A unit counts as present from intensity 2."""

    forms = (Form(("ActionUnit_Labels/SN*/*_au1.txt",), _disfa),)
    labels: ClassVar = {"aus": LabelColumn(columns=DISFA, at_least=PRESENT)}

    root: Path = Field(strict=False)
    """Holds `ActionUnit_Labels/SN001/SN001_au1.txt` with lines `1,0` (frame, intensity), and the frames, cut from
    the published videos, in `Images/SN001/1.png`."""
