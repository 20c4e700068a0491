"""How often a run lists its folders."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssltoolbox.cli.main import run as run_command
from ssltoolbox.data.images.tree import FoundClip, Tree
from ssltoolbox.engine.core.components import Components
from ssltoolbox.plan import load_plan

RECIPE = """\
recipe: 1
name: listed
data: {name: frames, root: faces, size: 16, val: 0.3, test: 0.3}
backbone: {name: test_byobnet}
method: {name: simclr, hidden_dim: 8, output_dim: 4}
views: {name: standard, size: 16}
optim: {lr: 1e-3, warmup_epochs: 0}
trainer: {steps: 1, batch_size: 2, workers: 0}
evaluate: [identity]
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for identity in range(12):
        for clip in range(2):
            folder = tmp_path / f"faces/id{identity}/video/{clip}"
            folder.mkdir(parents=True)
            for frame in range(3):
                pixels = rng.integers(0, 255, (16, 16, 3), np.uint8)
                Image.fromarray(pixels).save(folder / f"{frame}.png")
    path = tmp_path / "listed.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each clip's folder was listed."""
    counts: Counter[str] = Counter()
    clip = Tree.clip

    def counted(tree: Tree, folder: str) -> FoundClip:
        counts[folder] += 1
        return clip(tree, folder)

    monkeypatch.setattr(Tree, "clip", counted)
    return counts


def test_a_run_lists_each_folder_once(
    recipe: Path, listed: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recipe.parent)
    assert run_command(["train", str(recipe), "--out", "run"]) == 0
    assert {"evaluation.json", "report.html", "pairs.png", "embedding_map.json"} <= {
        path.name for path in Path("run").iterdir()
    }
    assert len(listed) == 24
    assert set(listed.values()) == {1}


def test_check_lists_each_folder_once(recipe: Path, listed: Counter[str]) -> None:
    assert run_command(["check", str(recipe)]) == 0
    assert len(listed) == 24
    assert set(listed.values()) == {1}


def test_check_lists_the_training_split_alone_where_no_task_needs_others(
    recipe: Path, listed: Counter[str]
) -> None:
    assert run_command(["check", str(recipe), "--set", "evaluate=[]"]) == 0
    assert 0 < len(listed) < 24
    assert set(listed.values()) == {1}


def test_tasks_on_the_same_data_share_it(recipe: Path, listed: Counter[str]) -> None:
    own = "{name: identity, data: {name: frames, root: faces, size: 16, val: 0.3, test: 0.3}}"
    other = "{name: identity, data: {name: frames, root: faces, size: 24, val: 0.3, test: 0.3}}"
    recipe.write_text(RECIPE.replace("[identity]", f"[identity, {own}, {other}, {other}]"))
    components = Components(load_plan(recipe))
    first, second, third, fourth = components.tasks.values()
    assert first.folds[0] is second.folds[0] is components.splits
    assert third.folds[0] is fourth.folds[0] is not components.splits
    assert [task.own_data for task in components.tasks.values()] == ["", "frames", "frames", "frames"]
    lengths = [
        sum(len(task.folds[0][split]) for split in ("train", "val", "test")) for task in (third, first)
    ]
    assert lengths == [len(listed)] * 2
    assert set(listed.values()) == {2}
