"""The map of the features: what is alike lies together, and the same features give the same map."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.runs import untrained_run, write_recipe
from PIL import Image

from ssltoolbox.api import Features
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.inspect.embedding_map import SIDE, map_of, project, write_map
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.plan import load_plan


def two_groups(count: int) -> np.ndarray:
    """[count, 6] features around two places, the first half around the one."""
    values = np.random.default_rng(0).normal(size=(count, 6))
    values[: count // 2] += 8
    return values


@pytest.mark.parametrize(("count", "method"), [(10, "PCA"), (60, "t-SNE")])
def test_the_map_keeps_groups_of_features_apart(count: int, method: str) -> None:
    name, points = project(two_groups(count))
    assert (name, points.shape) == (method, (count, 2))
    first, second = points[: count // 2], points[count // 2 :]
    between = np.linalg.norm(first.mean(0) - second.mean(0))
    assert between > 2 * max(first.std(), second.std())
    assert np.array_equal(project(two_groups(count))[1], points)


def test_umap_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Umap:
        def __init__(self, **options: Any) -> None:
            assert options == {"random_state": 0, "n_jobs": 1}

        def fit_transform(self, values: np.ndarray) -> np.ndarray:
            return values[:, :2]

    fake = SimpleNamespace(UMAP=Umap, __spec__=SimpleNamespace(name="umap"))
    monkeypatch.setitem(sys.modules, "umap", fake)
    values = two_groups(60)
    name, points = project(values)
    assert name == "UMAP"
    assert np.array_equal(points, values[:, :2])


def test_features_that_are_all_the_same() -> None:
    name, points = project(np.ones((60, 4)))
    assert name == "PCA"
    assert np.array_equal(points, np.zeros((60, 2)))


def test_frames_whose_features_are_not_finite_are_left_out() -> None:
    values = two_groups(10).astype(np.float32)
    values[3, 1] = np.nan
    number = np.arange(10)
    labels = {"expression": number - 1, "valence": number / 10}
    found = map_of(
        Features(values, number, number, number / 4, labels), {"expression": ["sad"], "mood": ["x"]}
    )
    assert found["identity"] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert found["expression"] == [-1, 0, 1, 3, 4, 5, 6, 7, 8]
    assert len(found["points"]) == 9
    assert found["names"] == {"expression": ["sad"]}
    assert "valence" not in found
    assert "expression" not in map_of(Features(values, number, number, number / 4), {})


def test_labels_of_several_classes_a_frame_are_left_out() -> None:
    number = np.arange(10)
    labels = {"units": np.zeros((10, 12), np.int64), "mood": number}
    found = map_of(
        Features(two_groups(10).astype(np.float32), number, number, number / 4, labels),
        {"units": ["off", "on"]},
    )
    assert "units" not in found
    assert "units" not in found["names"]
    assert found["mood"] == number.tolist()


def test_the_map_of_a_run_has_its_points_and_labels(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, ("eval_clips: 8", "eval_clips: 4"))
    folder = RunFolder(untrained_run(recipe, tmp_path / "run"))
    write_map(Components(load_plan(recipe)), folder)
    found = json.loads(folder.embedding_map.read_text())
    assert found["method"] == "t-SNE"
    assert len(found["points"]) == len(found["identity"]) == len(found["expression"]) == 80
    assert found["names"]["expression"][:2] == ["neutral", "happy"]
    assert found["sheet_columns"] == 9
    with Image.open(folder.map_faces) as faces:
        assert faces.size == (9 * SIDE, 9 * SIDE)
