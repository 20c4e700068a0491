"""AFEW-VA (Kossaifi et al., AFEW-VA database for valence and arousal estimation in-the-wild, 2017)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from ssltoolbox.api import UserError
from ssltoolbox.data.label_options import LabelColumn
from ssltoolbox.data.labelled.sets.base import Form, PublishedOptions, Row
from ssltoolbox.support.paths import printable

FULL = 10.0
"""Valence and arousal are whole numbers from -10 to 10."""


def _clips(root: Path, options: AFEWVAOptions) -> Iterator[Row]:
    for file in sorted((*root.glob("[0-9]*/*.json"), *root.glob("*/[0-9]*/*.json"))):
        folder = file.parent.relative_to(root).as_posix()
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            for name, frame in content["frames"].items():
                yield {
                    "path": f"{folder}/{name}.png",
                    "identity": str(content.get("actor") or file.stem),
                    "clip": file.stem,
                    "frame": str(int(name)),
                    "valence": f"{frame['valence'] / FULL:g}",
                    "arousal": f"{frame['arousal'] / FULL:g}",
                }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{printable(file)}: frames with valence and arousal are expected") from error


class AFEWVAOptions(PublishedOptions):
    """AFEW-VA: 600 clips of films, with valence and arousal (-1 to 1) of each frame, on folds of actors."""

    forms = (Form(("[0-9]*/*.json",), _clips), Form(("*/[0-9]*/*.json",), _clips))
    labels: ClassVar = {"valence": LabelColumn(kind="number"), "arousal": LabelColumn(kind="number")}

    root: Path = Field(strict=False)
    """Holds `001/001.json` and `001/00000.png`, …, or the same in folders `01` to `12`, as in the archives."""

    fold: int | Literal["all"] | None = "all"
    """The fold of actors that is the test split, from 1; `all` measures tasks on each fold and gives the mean."""

    folds: int | None = Field(default=5, ge=2)
    """The number of folds that the actors are divided into."""
