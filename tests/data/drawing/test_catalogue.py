"""The catalogue of the built-in datasets: people and labels are known without looking at each clip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.trees import put_image as put_image

from ssltoolbox.data.drawing.catalogue import SplitCatalogue
from ssltoolbox.data.frames.dataset import FramesDataset
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.table import list_table
from ssltoolbox.data.labelled.dataset import LabelledFaces
from ssltoolbox.data.labelled.own.options import LabelledOptions


@pytest.fixture
def table(tmp_path: Path, put_image: Callable[..., Path]) -> Path:
    """Two frames of each of two clips of three people, with a label."""
    lines = ["path,identity,clip,time,smile"]
    for person in "abc":
        for clip in range(2):
            for frame in range(2):
                name = f"{person}{clip}{frame}.png"
                put_image(tmp_path / name)
                lines.append(f"{name},{person},{clip},{frame},{(clip + frame) % 2}")
    path = tmp_path / "faces.csv"
    path.write_text("\n".join(lines))
    return path


def dataset_of(name: str, table: Path) -> Any:
    if name == "labelled":
        options = LabelledOptions(table=table, labels={"smile": ["no", "yes"]}, val=0, test=0)
        return LabelledFaces(options, "train")
    index = table.parent / "faces.index"
    build_index(list_table(table, table.parent, 5), index, workers=1, tick=lambda done: None)
    return FramesDataset(FramesOptions(index=index, val=0, test=0), "train")


@pytest.mark.parametrize("name", ["labelled", "frames"])
def test_no_clip_is_asked_for_its_person(name: str, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = dataset_of(name, table)
    people = [dataset.clip(index).identity for index in range(len(dataset))]
    assert len(people) == 6
    monkeypatch.setattr(type(dataset), "clip", None)
    catalogue = SplitCatalogue(dataset)
    assert catalogue.identities.tolist() == people
    assert len(catalogue.of_identity(people[0])) == 2


@pytest.mark.parametrize("name", ["labelled", "frames"])
def test_labels_are_known_without_images(name: str, table: Path) -> None:
    dataset = dataset_of(name, table)
    catalogue = SplitCatalogue(dataset)
    for index in range(len(dataset)):
        read = dataset.read([index, index], [0, 1]).labels["smile"]
        known = catalogue.labels(index)["smile"]
        assert known.dtype == np.int64
        assert known.tolist() == read.tolist()
