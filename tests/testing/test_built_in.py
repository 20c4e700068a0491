"""The built-in components keep to their contracts; those below plugins/ say so in their own tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssltoolbox.api import Kind
from ssltoolbox.registry import discover
from ssltoolbox.testing import check_plugin
from ssltoolbox.testing.material import images, landmarks

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
ENGINE = [item.descriptor.name for item in discover().all() if item.origin.module.startswith("ssltoolbox.")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Folders of three people, a clip each, the last without landmarks."""
    for person in range(3):
        clip = tmp_path / f"id{person}" / "video" / "clip"
        clip.mkdir(parents=True)
        for number, image in enumerate(images(5, 40, seed=person)):
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(clip / f"{number:07d}.png")
        if person < 2:
            np.save(clip / "landmarks68.npy", landmarks(5, 40, seed=person).numpy())
    return tmp_path


ON_DISK = {item.descriptor.name for item in discover().all() if item.kind == Kind.DATASETS} - {
    "synthetic_faces"
}
"""Sets of files, which tests/data/labelled and the test below try on files that they write."""
LIBRARIES = {"tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow"}


@pytest.mark.filterwarnings("ignore:The ``noload`` loader")
@pytest.mark.parametrize("name", [name for name in ENGINE if name not in ON_DISK | {"multi_label"}])
def test_built_in_components_keep_to_the_contract(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in LIBRARIES:
        pytest.importorskip(LIBRARIES[name])
    monkeypatch.setenv("WANDB_MODE", "offline")
    check_plugin(name)


def test_the_contract_of_a_task_with_several_labels(tmp_path: Path) -> None:
    rows = ["path,split,identity,au1,au12"]
    for number, image in enumerate(images(24, 32)):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(tmp_path / f"{number}.png")
        split = ("train", "val", "test")[number % 3]
        rows.append(f"{number}.png,{split},{split}{number % 2},{number // 3 % 2},{number // 6 % 2}")
    table = tmp_path / "faces.csv"
    table.write_text("\n".join(rows))
    check_plugin(
        "multi_label",
        options={"multi_label": {"label": "units"}},
        data={"name": "labelled", "table": table, "labels": {"units": {"columns": ["au1", "au12"]}}},
    )


def test_the_contract_of_frames(root: Path) -> None:
    check_plugin("frames", options={"frames": {"root": root, "size": 32}})


def test_every_plugin_s_own_tests_hold_it_to_its_contract() -> None:
    folders = {path.parent for path in ROOT.glob("plugins/*/pyproject.toml")}
    held = {
        path.parents[1] for path in ROOT.glob("plugins/*/tests/*.py") if "check_plugin(" in path.read_text()
    }
    assert held == folders


@pytest.mark.parametrize("name", ["expression", "valence_arousal"])
def test_the_contract_of_fine_tuning(name: str) -> None:
    quick = {"epochs": 2, "batch_size": 16, "hidden": (8,)}
    check_plugin(name, options={name: {"protocol": "finetune", "finetune": quick}})
