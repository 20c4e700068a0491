"""The files of a run folder as plain data."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.report.results import measured_on


@dataclass(frozen=True)
class Curve:
    """One column of metrics.csv, without the steps that have no finite value.

    Attributes:
        steps: steps done, rising.
        values: the number at each step.
    """

    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """Over all steps that were logged."""
        return sum(self.values) / len(self.values)


@dataclass(frozen=True)
class RunFiles:
    """The files of a run.

    Attributes:
        recipe_text: recipe.yaml as it is.
        recipe: the recipe as plain data.
        environment: environment.json; empty if it is not there.
        metrics: column → curve, columns without any number left out; empty for a run without training.
        evaluation: evaluation.json; empty for a run without tasks.
        mistakes: mistakes.json; empty for a run without tasks of classes.
        embedding_map: embedding_map.json; empty for a run that has none.
        map_faces: the JPEG of the faces of the map's points, where there is one.
        pairs: the PNG of sampled pairs, where there is one.
        pictures: the PNG of what the method makes of images, where there is one.
        pictures_about: pictures.json: the headings of its columns, and a note; empty if it is not there.
        is_finished: whether there are weights or results; a run that still trains, or was stopped, has neither.
    """

    recipe_text: str
    recipe: Mapping[str, Any]
    environment: Mapping[str, Any]
    metrics: Mapping[str, Curve]
    evaluation: Mapping[str, Any]
    mistakes: Mapping[str, Any] = field(default_factory=dict)
    embedding_map: Mapping[str, Any] = field(default_factory=dict)
    map_faces: bytes | None = None
    pairs: bytes | None = None
    pictures: bytes | None = None
    pictures_about: Mapping[str, Any] = field(default_factory=dict)
    is_finished: bool = True

    @property
    def name(self) -> str:
        """Of the recipe."""
        return str(self.recipe["name"])

    @property
    def last_step(self) -> int:
        """The last step that was logged; 0 without any."""
        return max((curve.steps[-1] for curve in self.metrics.values()), default=0)

    @property
    def trains(self) -> bool:
        """Whether the run trained its network."""
        trains: bool = self.environment.get("trains", bool(self.metrics))
        return trains

    @property
    def data_note(self) -> str:
        """A note on this data for readers of its results; empty if all results are on other data."""
        note: str = self.environment.get("data", {}).get("note", "")
        return note if measured_on(self.evaluation, self.recipe["data"]["name"]) else ""


def read_run(folder: Path) -> RunFiles:
    """
    Raises:
        OSError, ValueError: when recipe.yaml is not there, or a file is damaged.
    """
    text = (folder / "recipe.yaml").read_text(encoding="utf-8")
    return RunFiles(
        recipe_text=text,
        recipe=yaml.safe_load(text),
        environment=_json(folder / "environment.json"),
        metrics=_curves(folder / "metrics.csv"),
        evaluation=_json(folder / "evaluation.json"),
        mistakes=_json(folder / "mistakes.json"),
        embedding_map=_json(folder / "embedding_map.json"),
        map_faces=_bytes(folder / "embedding_map.jpg"),
        pairs=_bytes(folder / "pairs.png"),
        pictures=_bytes(folder / "pictures.png"),
        pictures_about=_json(folder / "pictures.json"),
        is_finished=any((folder / name).exists() for name in ("backbone.safetensors", "evaluation.json")),
    )


def open_files(folder: Path) -> RunFiles:
    """The files of the folder that a user names.

    Raises:
        UserError: where it is not a run folder, or a file is damaged.
    """
    if not (folder / "recipe.yaml").is_file():
        what = "it has no recipe.yaml" if folder.is_dir() else "there is no such folder"
        raise UserError(f"{folder} is not a run folder: {what}")
    try:
        files = read_run(folder)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"can't read the run in {folder}: {first_line(error)}") from error
    if (
        not isinstance(files.recipe, Mapping)
        or not {"name", "seed", "data", "method", "backbone"} <= files.recipe.keys()
    ):
        raise UserError(f"{folder} is not a run folder: its recipe.yaml is not the one that a run writes")
    return files


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _json(path: Path) -> Mapping[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _curves(path: Path) -> Mapping[str, Curve]:
    curves: dict[str, Curve] = {}
    if not path.exists():
        return curves
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            step = int(row.pop("step"))
            for name, text in row.items():
                if text and math.isfinite(value := float(text)):
                    curve = curves.setdefault(name, Curve())
                    curve.steps.append(step)
                    curve.values.append(value)
    return curves
