"""The online probe: what it says, when, and that nobody notices it."""

import csv
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from helpers.runs import WITH_METHOD, run_tiny, write_recipe

from ssltoolbox.api import Features
from ssltoolbox.engine.training.callbacks.online_probe import auto_steps, scores
from ssltoolbox.report.files import read_run
from ssltoolbox.report.training import groups_of


def features(values: np.ndarray, **labels: np.ndarray) -> Features:
    frames = np.arange(len(values))
    return Features(
        values=np.asarray(values, np.float32), clip=frames, identity=frames, time=frames / 4.0, labels=labels
    )


def random_features(frames: int = 60, seed: int = 0) -> Features:
    random = np.random.default_rng(seed)
    values = random.normal(size=(frames, 8))
    return features(values, expression=values[:, :3].argmax(axis=1), valence=values[:, 3].astype(np.float32))


def test_the_online_probe_finds_labels_linear_in_the_features() -> None:
    numbers = dict(scores(random_features(400), random_features(300, seed=1)))
    assert set(numbers) == {"probe_expression_f1", "probe_valence_ccc"}
    assert numbers["probe_expression_f1"] > 0.9
    assert numbers["probe_valence_ccc"] > 0.9


def test_any_label_of_a_single_value_is_probed() -> None:
    """Classes by macro-F1, numbers by CCC; several values for a frame by neither."""

    def labelled(found: Features) -> Features:
        pose = np.stack([found.values[:, 0]] * 2, axis=1)
        named = {"mood": found.labels["expression"], "age": found.labels["valence"], "pose": pose}
        return features(found.values, **named)

    numbers = dict(scores(labelled(random_features()), labelled(random_features(seed=1))))
    assert set(numbers) == {"probe_mood_f1", "probe_age_ccc"}


def test_frames_without_a_label_do_not_change_the_probe() -> None:
    train, val = random_features(), random_features(seed=1)
    expected = dict(scores(train, val))
    longer = features(
        np.concatenate([val.values, np.ones((5, 8)), np.full((2, 8), np.nan)]),
        expression=np.concatenate([val.labels["expression"], np.full(5, -1), [0, 1]]),
        valence=np.concatenate([val.labels["valence"], np.full(5, np.nan, np.float32), [0, 1]]),
    )
    assert dict(scores(train, longer)) == expected


@pytest.mark.parametrize(
    "val",
    [
        features(np.ones((4, 8))),
        features(np.ones((4, 8)), expression=np.full(4, -1)),
        features(np.full((4, 8), np.nan), expression=np.arange(4)),
        features(np.zeros((0, 0))),
    ],
    ids=["no labels", "none known", "diverged", "no frames"],
)
def test_without_usable_frames_the_probe_has_no_scores(val: Features) -> None:
    assert dict(scores(random_features(), val)) == {}


def test_one_class_is_nothing_to_learn() -> None:
    assert dict(scores(features(np.eye(4), expression=np.ones(4, int)), random_features())) == {}


def test_auto_costs_a_hundredth_whatever_the_batch() -> None:
    for images in (16, 256, 5000):
        assert 1024 / (3 * images * auto_steps(images)) == pytest.approx(0.01, rel=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("method", WITH_METHOD)
def test_a_run_is_the_same_with_and_without(tmp_path: Path, method: str) -> None:
    recipe = write_recipe(tmp_path, (WITH_METHOD["simclr"], WITH_METHOD[method]))
    changes = ("trainer.steps=4", "trainer.log_steps=2", "trainer.accumulate=2")
    folders = [
        run_tiny(recipe, tmp_path / probe, *changes, f"trainer.probe_steps={probe}").folder
        for probe in ("null", "1")
    ]
    states = [torch.load(folder.checkpoint, weights_only=True)["state_dict"] for folder in folders]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    rows = []
    for folder in folders:
        with folder.metrics.open() as file:
            rows.append(list(csv.DictReader(file)))
    assert [row["step"] for row in rows[1]] == ["2", "4"]
    assert [row["loss"] for row in rows[0]] == [row["loss"] for row in rows[1]]
    for name in ("probe_expression_f1", "probe_valence_ccc", "probe_arousal_ccc"):
        assert name not in rows[0][0]
        assert all(-1 <= float(row[name]) <= 1 for row in rows[1])
    titles = [group.title for group, _ in groups_of(read_run(folders[1].path).metrics)]
    assert any(title.startswith("Expression") for title in titles)


@pytest.mark.slow
def test_a_resumed_run_has_the_same_rows(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    changes = ("trainer.probe_steps=2", "trainer.log_steps=1")
    whole = run_tiny(recipe, tmp_path / "whole", *changes).folder
    part = tmp_path / "part"
    run_tiny(recipe, part, *changes)
    for name in ("backbone.safetensors", "checkpoints/last.ckpt"):
        (part / name).unlink()
    resumed = run_tiny(recipe, part, *changes, resume=True).folder
    weights = [safetensors.torch.load_file(folder.backbone) for folder in (whole, resumed)]
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    columns = ("step", "loss", "probe_expression_f1", "probe_arousal_ccc")
    with whole.metrics.open() as one, resumed.metrics.open() as two:
        rows = [[[row[name] for name in columns] for row in csv.DictReader(file)] for file in (one, two)]
    assert rows[0] == rows[1]
    assert [bool(row[2]) for row in rows[0]] == [False, True] * 3


def test_data_without_labels_is_not_probed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

    facts = SyntheticFacesOptions.facts
    monkeypatch.setattr(
        SyntheticFacesOptions,
        "facts",
        lambda self: type(facts(self))(**{**vars(facts(self)), "labels": frozenset()}),
    )
    run = run_tiny(write_recipe(tmp_path), tmp_path / "run", "trainer.probe_steps=1")
    assert "probe_" not in run.folder.metrics.read_text()
