"""A backbone of a plugin, wherever a network is used: from training to export."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import safetensors.torch
import torch
from helpers.runs import halted_at, start, write_recipe

import ssltoolbox
from ssltoolbox.cli.main import run as cli_run
from ssltoolbox.engine.inspect.source import NetworkSource, check_weights, open_source
from ssltoolbox.models import weights_hash
from ssltoolbox.plan import load_plan
from ssltoolbox.recipe import RecipeError

DOOR = '''
from pydantic import Field
from ssltoolbox.api import BackboneDescriptor, Options, Problem, hookimpl


class TinyOptions(Options):
    """How wide it is."""

    width: int = Field(default=8, ge=1)
    """Channels."""
    flat: bool = False
    """Features are all pixels of the map: of one image size only."""

    def problems(self, setting):
        if self.flat and setting.crop_size not in (0, setting.image_size):
            yield Problem("flat", f"local crops have {setting.crop_size} pixels, images {setting.image_size}")


@hookimpl
def ssltoolbox_backbones():
    yield BackboneDescriptor(
        name="tiny_net", summary="One convolution.", options=TinyOptions, target="tiny_work:TinyNet", api=2
    )
'''
WORK = """
import torch


class TinyNet(torch.nn.Module):
    def __init__(self, options, setting):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, options.width, 3, stride=2, bias=False)
        self.norm = torch.nn.BatchNorm2d(options.width)

        self.flat = options.flat

    def forward(self, images):
        features = self.norm(self.conv(images)).relu()
        return features.flatten(1) if self.flat else features.mean(dim=(2, 3))
"""
DATA = (
    "{name: synthetic_faces, identities: 4, clips: 4, frames: 8, size: 32, eval_identities: 4, eval_clips: 4}"
)
SHORT = """
from ssltoolbox.api import AuxiliaryLoss, AuxiliaryLossOptions, Descriptor, hookimpl


class Short(AuxiliaryLoss[AuxiliaryLossOptions]):
    def loss(self, inputs):
        assert inputs.features.shape[1] == 12
        return inputs.features.square().mean()


@hookimpl
def ssltoolbox_auxiliary_losses():
    yield Descriptor(name="short", summary="Keeps features short.", options=AuxiliaryLossOptions,
                     target=f"{__name__}:Short", api=2)
"""
SMALL_VIT = "{name: vit_tiny_patch16_224, options: {patch_size: 8, depth: 1, embed_dim: 8, num_heads: 1}}"
NAMED = ("{name: test_byobnet}", "{name: tiny_net, options: {width: 12}}")


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe whose backbone is in a file free of torch; what works is in a module beside it."""
    (tmp_path / "door.py").write_text(DOOR)
    (tmp_path / "tiny_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = write_recipe(tmp_path, NAMED)
    path.write_text(path.read_text() + "plugins: {files: [door.py]}\nevaluate: [expression]\n")
    return path


def test_from_training_to_export(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    finished = ssltoolbox.train(recipe, out=out)
    assert set(finished.evaluation["expression"]) >= {"accuracy"}
    backbone = ssltoolbox.load_backbone(out)
    assert type(backbone).__name__ == "TinyNet"
    assert backbone(torch.zeros(1, 3, 32, 32)).shape == (1, 12)
    assert "width: 12" in (out / "recipe.yaml").read_text()
    assert not check_weights(open_source(NetworkSource(str(out)))).startswith("0 ")

    points = json.loads((out / "embedding_map.json").read_text())
    assert len(points["points"]) > 8
    assert cli_run(["embed", str(out), DATA, "-o", str(tmp_path / "x.parquet")]) == 0
    features = pq.read_table(tmp_path / "x.parquet")["features"]
    assert len(features[0].as_py()) == 12
    assert cli_run(["evaluate", str(out), "--tasks", "expression"]) == 0
    assert cli_run(["saliency", str(out), "-o", str(tmp_path / "s.png")]) == 0
    assert cli_run(["export", str(out), "-o", str(tmp_path / "x.safetensors")]) == 2


def test_a_plugin_s_backbone_is_exported_to_onnx(recipe: Path, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    ssltoolbox.train(recipe, ["evaluate=[]", "trainer.steps=2"], out=tmp_path / "run")
    assert cli_run(["export", str(tmp_path / "run"), "-o", str(tmp_path / "x.onnx")]) == 0
    images = np.ones((2, 3, 32, 32), np.float32)
    (features,) = onnxruntime.InferenceSession(tmp_path / "x.onnx").run(None, {"images": images})
    assert features.shape == (2, 12)


def test_resumed_it_gives_the_same_weights(recipe: Path, tmp_path: Path) -> None:
    straight = ssltoolbox.train(recipe, ["evaluate=[]"], out=tmp_path / "straight")
    halted = tmp_path / "halted"
    with halted_at(step=4):
        ssltoolbox.train(recipe, ["evaluate=[]"], out=halted)
    resumed = ssltoolbox.train(recipe, ["evaluate=[]"], out=halted, resume=True)
    first, second = (ssltoolbox.load_backbone(run.folder.path) for run in (straight, resumed))
    assert weights_hash(first) == weights_hash(second)


@pytest.mark.slow
def test_two_processes_train_it_as_one(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    changes = ["evaluate=[]", "trainer.steps=3"]
    ssltoolbox.train(recipe, changes, out=tmp_path / "one")
    settings = [word for change in (*changes, "trainer.devices=2") for word in ("--set", change)]
    process = start(recipe, tmp_path / "two", *settings)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    one, two = (
        safetensors.torch.load_file(tmp_path / name / "backbone.safetensors") for name in ("one", "two")
    )
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=1e-3, atol=1e-4, msg=name)


def test_auxiliary_losses_see_its_features(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "short.py").write_text(SHORT)
    path = tmp_path / "short.yaml"
    path.write_text(
        "recipe: 1\nextends: tiny.yaml\nlosses: [short]\nevaluate: []\nplugins: {files: [door.py, short.py]}\n"
    )
    finished = ssltoolbox.train(path, ["trainer.steps=2"], out=tmp_path / "run")
    assert "short_loss" in finished.folder.metrics.read_text().splitlines()[0]


@pytest.fixture
def with_crops(recipe: Path, tmp_path: Path) -> Path:
    """The recipe with a method that looks at local crops."""
    path = tmp_path / "crops.yaml"
    path.write_text(
        "recipe: 1\nextends: tiny.yaml\nmethod: {name: dino, hidden_dim: 16, bottleneck_dim: 8, output_dim: 16}\n"
        "evaluate: []\ntrainer: {steps: 2}\n"
        "views: {name: standard, size: 32, crops: 2, crop_size: 16}\nplugins: {files: [door.py]}\n"
    )
    return path


def test_a_plugin_s_backbone_sees_local_crops(with_crops: Path, tmp_path: Path) -> None:
    ssltoolbox.train(with_crops, out=tmp_path / "run")
    assert ssltoolbox.load_backbone(tmp_path / "run")(torch.zeros(1, 3, 16, 16)).shape == (1, 12)


def test_a_backbone_of_one_size_refuses_local_crops_with_its_line(
    with_crops: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = ["--set", "backbone.options.flat=true"]
    assert cli_run(["check", str(with_crops), *changes]) == 2
    assert "16 pixels" in capsys.readouterr().err
    path = with_crops.with_name("tiny.yaml")
    path.write_text(path.read_text().replace("{width: 12}", "{width: 12, flat: true}"))
    assert cli_run(["check", str(with_crops)]) == 2
    line = 1 + path.read_text()[: path.read_text().index("flat: true")].count("\n")
    assert f"tiny.yaml:{line}:" in capsys.readouterr().err
    assert cli_run(["check", str(with_crops), "--set", "views.crops=0"]) == 0


@pytest.mark.parametrize(
    ("backbone", "said"),
    [
        (SMALL_VIT, "can't take 16×16 images"),
        ("{name: silent, options: {flat: true}}", "local crop"),
    ],
)
def test_a_backbone_that_can_not_take_local_crops_leaves_no_run(
    backbone: str, said: str, with_crops: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (tmp_path / "door.py").read_text()
    silent = text.replace("tiny_net", "silent").replace("def problems", "def _nothing")
    (tmp_path / "door.py").write_text(silent)
    out = tmp_path / "run"
    arguments = ["train", str(with_crops), "--set", f"backbone={backbone}", "--out", str(out)]
    assert cli_run(arguments) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert "views.crop" in printed
    assert not out.exists()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("backbone.options={widht: 3}", "did you mean 'width'?"),
        ("backbone.name=tiny_nett", "did you mean 'tiny_net'?"),
        ("backbone.weights=imagenet", "no ImageNet weights"),
        ("backbone.stem=small", "no stem"),
    ],
)
def test_mistakes_are_the_recipes(recipe: Path, setting: str, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_plan(recipe, [setting])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("backbone", "said"),
    [
        ("resnet_50", "unknown backbone"),
        ("hf-hub:timm/resnet18.a1_in1k", "did you mean 'resnet18'?"),
        ("resnet18.a9_in1k", "no weights 'a9_in1k'"),
    ],
)
def test_a_name_that_timm_does_not_have_is_refused_with_its_place(
    backbone: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_recipe(tmp_path, ("{name: test_byobnet}", f"{{name: '{backbone}'}}"))
    assert cli_run(["check", str(path)]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert "tiny.yaml:4:18" in printed


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("backbone.options={depht: 3}", "'depht'"),
        ("backbone.options={layers: 7}", "backbone.options"),
        ("backbone.weights=/no/such/file.pth", "/no/such/file.pth"),
    ],
)
def test_a_backbone_that_can_not_be_made_leaves_no_run(
    setting: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_recipe(tmp_path, ("test_byobnet", "resnet18"))
    out = tmp_path / "run"
    assert cli_run(["train", str(path), "--set", setting, "--out", str(out)]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()
