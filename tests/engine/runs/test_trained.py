"""`load_method`: the trained method of a run, heads and momentum networks included."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from helpers.runs import WITH_METHOD, run_tiny, write_recipe
from PIL import Image
from torch import nn

import ssltoolbox
from ssltoolbox.api import UserError
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.engine.runs.trained import recorded_facts
from ssltoolbox.engine.training import run as training_run
from ssltoolbox.engine.training.module import TrainingModule

MASKED = ("positives: [time_aug]", "positives: [time_aug]\nmaskers: [near_in_time]")


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[nn.Module]:
    """The methods that runs of this test have trained."""
    methods: list[nn.Module] = []
    build = training_run.build_module

    def kept(*arguments: object) -> TrainingModule:
        module = build(*arguments)
        methods.append(module.method)
        return module

    monkeypatch.setattr(training_run, "build_module", kept)
    return methods


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of SimCLR."""
    folder = tmp_path_factory.mktemp("finished")
    return run_tiny(write_recipe(folder), folder / "run", "trainer.steps=1").folder.path


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished run, to be damaged."""
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def outputs(method: nn.Module) -> list[torch.Tensor]:
    """What the networks of a method, each with its head, make of the same images."""
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    networks = dict(method.cpu().eval().named_children())
    with torch.no_grad():
        return [
            networks[f"{whose}projection"](networks[f"{whose}backbone"](images))
            for whose in ("", "key_", "target_")
            if f"{whose}backbone" in networks
        ]


def assert_is_the_trained_one(loaded: nn.Module, trained: nn.Module) -> None:
    assert not any(module.training for module in loaded.modules())
    state, expected = loaded.state_dict(), trained.state_dict()
    assert state.keys() == expected.keys()
    for key, values in expected.items():
        assert torch.equal(state[key], values.cpu()), key
    for one, other in zip(outputs(loaded), outputs(trained), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("method", ["simclr", "mocov2", pytest.param("byol", marks=pytest.mark.slow)])
def test_the_method_as_the_last_step_has_left_it(
    tmp_path: Path, trained: list[nn.Module], method: str
) -> None:
    changes = [(WITH_METHOD["simclr"], WITH_METHOD[method]), *([MASKED] if method == "mocov2" else [])]
    run_tiny(write_recipe(tmp_path, *changes), tmp_path / "run")
    loaded = ssltoolbox.load_method(tmp_path / "run")
    assert_is_the_trained_one(loaded, trained[-1])
    parts = {key.partition(".")[0] for key in loaded.state_dict()}
    assert len(parts) > 1, "more than the backbone"


def test_the_method_of_a_resumed_run_is_loaded(
    tmp_path: Path, trained: list[nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, step = write_recipe(tmp_path), TrainingModule.training_step

    def failing(self: TrainingModule, batch: object, index: int) -> object:
        if self.global_step == 3:
            raise RuntimeError("on purpose")
        return step(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(TrainingModule, "training_step", failing)
        with pytest.raises(RuntimeError, match="on purpose"):
            run_tiny(recipe, tmp_path / "run")
    run_tiny(recipe, tmp_path / "run", resume=True)
    assert_is_the_trained_one(ssltoolbox.load_method(tmp_path / "run"), trained[-1])


def test_a_method_is_loaded_without_the_data_of_its_run(tmp_path: Path) -> None:
    faces, recipe = tmp_path / "faces", tmp_path / "recipe.yaml"
    for clip in range(8):
        folder = faces / f"person{clip}" / "video" / "0"
        folder.mkdir(parents=True)
        for frame in range(2):
            Image.new("RGB", (32, 32), (clip, frame, 0)).save(folder / f"{frame}.png")
    recipe.write_text(
        "recipe: 1\nname: tiny\ndata: {name: frames, root: faces, size: 32}\n"
        "backbone: {name: test_byobnet}\nmethod: {name: mocov2, queue: 8, hidden_dim: 8, output_dim: 8}\n"
        "maskers: [near_in_time]\nviews: {name: standard, size: 32}\noptim: {lr: 1e-3}\n"
        "trainer: {epochs: 1, batch_size: 4, workers: 0}\n"
    )
    run_tiny(recipe, tmp_path / "run")
    with_data = ssltoolbox.load_method(tmp_path / "run").state_dict()
    shutil.rmtree(faces)
    without = ssltoolbox.load_method(tmp_path / "run").state_dict()
    assert with_data.keys() == without.keys()
    assert all(torch.equal(with_data[key], without[key]) for key in with_data)


def test_a_run_that_has_trained_nothing(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, (WITH_METHOD["simclr"], "none"), ("positives: [time_aug]\n", ""))
    run_tiny(recipe, tmp_path / "run")
    with pytest.raises(UserError, match=r"'none'.*load_backbone"):
        ssltoolbox.load_method(tmp_path / "run")


def test_a_run_that_is_not_finished(run: Path) -> None:
    (run / "backbone.safetensors").unlink()
    with pytest.raises(UserError, match="not finished"):
        ssltoolbox.load_method(run)


def test_a_run_without_its_checkpoint(run: Path) -> None:
    (run / "checkpoints" / "last.ckpt").unlink()
    with pytest.raises(UserError, match=r"checkpoints/last\.ckpt.*load_backbone"):
        ssltoolbox.load_method(run)


def test_a_damaged_checkpoint_is_an_error_with_its_path(run: Path) -> None:
    (run / "checkpoints" / "last.ckpt").write_bytes(b"no checkpoint")
    with pytest.raises(UserError, match=r"last\.ckpt: "):
        ssltoolbox.load_method(run)


def test_a_method_with_other_weights(run: Path) -> None:
    recipe = run / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("output_dim: 8", "output_dim: 9"))
    with pytest.raises(UserError) as caught:
        ssltoolbox.load_method(run)
    assert "method 'simclr' (plugin 'methods' of ssltoolbox" in str(caught.value)
    assert "size mismatch" in str(caught.value)


def test_facts_of_gone_data_that_can_not_be_read(run: Path) -> None:
    facts = recorded_facts(RunFolder(run))
    assert facts is not None
    assert "expression" in facts.labels
    environment = run / "environment.json"
    environment.write_text(json.dumps({"data": {"frames": 3}}))
    with pytest.raises(UserError, match=r"can't read .*environment\.json"):
        recorded_facts(RunFolder(run))
