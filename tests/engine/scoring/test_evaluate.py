"""Evaluations of runs: a network looks at the same images once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.runs import untrained_run, write_recipe
from torch import Tensor

from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.features import FeatureExtractor
from ssltoolbox.engine.runs.folder import open_run
from ssltoolbox.engine.scoring.evaluate import evaluate_run

Evaluate = Callable[..., int]
KNN = "[{name: identity, protocol: knn}]"


@pytest.fixture
def evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Evaluates a run, and gives the number of batches that networks had to look at."""
    seen: list[int] = []
    computed = FeatureExtractor._computed

    def watched(extractor: FeatureExtractor, images: Tensor) -> object:
        seen.append(len(images))
        return computed(extractor, images)

    monkeypatch.setattr(FeatureExtractor, "_computed", watched)
    monkeypatch.setenv("SSLTOOLBOX_CACHE", str(tmp_path / "cache"))

    def evaluate(run: Path, *overrides: str, tasks: str = KNN) -> int:
        seen.clear()
        folder, plan = open_run(run, [f"evaluate={tasks}", *overrides])
        evaluate_run(Components(plan), folder, again=True)
        return len(seen)

    return evaluate


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return untrained_run(write_recipe(tmp_path), tmp_path / "run", seed=7)


def test_mistakes_are_written_with_the_results(run: Path, evaluated: Evaluate) -> None:
    evaluated(run, tasks="[{name: expression, protocol: knn}]")
    numbers = json.loads((run / "evaluation.json").read_text())["expression"]
    found = json.loads((run / "mistakes.json").read_text())["expression"]
    names = list(numbers["per_class"])
    assert found
    for mistake in found:
        true, predicted = names.index(mistake["true"]), names.index(mistake["predicted"])
        assert mistake["count"] == numbers["confusion"][true][predicted]
        assert 1 <= len(mistake["faces"]) <= mistake["count"]


def test_a_second_evaluation_computes_no_features(run: Path, evaluated: Evaluate) -> None:
    assert evaluated(run) > 0
    before = json.loads((run / "evaluation.json").read_text())
    assert evaluated(run) == 0
    assert json.loads((run / "evaluation.json").read_text()) == before
    assert evaluated(run, tasks="[identity]") == 0


def test_runs_share_the_random_network(tmp_path: Path, run: Path, evaluated: Evaluate) -> None:
    both = evaluated(run)
    other = untrained_run(tmp_path / "tiny.yaml", tmp_path / "other", seed=8)
    assert evaluated(other) == both / 2


@pytest.mark.parametrize("change", ["data.world=1", "views.size=48", "backbone.options={act_layer: gelu}"])
def test_another_recipe_computes_its_own(run: Path, evaluated: Evaluate, change: str) -> None:
    assert evaluated(run) == evaluated(run, change)


def test_other_weights_compute_their_own(tmp_path: Path, run: Path, evaluated: Evaluate) -> None:
    both = evaluated(run)
    other = untrained_run(tmp_path / "tiny.yaml", tmp_path / "other", seed=9)
    (other / "backbone.safetensors").rename(run / "backbone.safetensors")
    assert evaluated(run) == both / 2


def test_keep_features_null_keeps_no_features(tmp_path: Path, run: Path, evaluated: Evaluate) -> None:
    assert evaluated(run, "trainer.keep_features=null") == evaluated(run, "trainer.keep_features=null")
    assert not (tmp_path / "cache").exists()


def test_a_recipe_may_name_the_folder(tmp_path: Path, run: Path, evaluated: Evaluate) -> None:
    folder = tmp_path / "features"
    assert evaluated(run, f"trainer.keep_features={folder}") > 0
    assert list(folder.glob("*/*.safetensors"))
    assert not (tmp_path / "cache").exists()
    assert evaluated(run, f"trainer.keep_features={folder}") == 0
