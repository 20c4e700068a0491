"""Exported files give the same features, read as their cards say."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch
import yaml
from helpers.contract import Check
from helpers.golden import Golden
from helpers.runs import untrained_run, write_recipe
from torch import nn

from ssltoolbox import load_backbone
from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.engine.inspect import export as package
from ssltoolbox.engine.inspect.export import export, formats
from ssltoolbox.models import weights_hash

NETWORKS = {
    "tiny": "{name: test_byobnet}",
    "fixed_size": "{name: test_vit, options: {depth: 1}}",
    "resnet": "{name: resnet18.a1_in1k}",
    "small_stem": "{name: resnet18, stem: small}",
    "flat": '{name: resnet18, options: {global_pool: ""}}',
    "layers": "{name: test_resnet, layers: [layer2, layer3]}",
    "flat_layers": '{name: resnet18, options: {global_pool: ""}, layers: [layer3, layer4]}',
}


@pytest.fixture
def run(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A run of one of the networks."""
    network = NETWORKS[getattr(request, "param", "tiny")]
    recipe = write_recipe(
        tmp_path, ("{name: test_byobnet}", network), ("views: {name: standard, size: 32}", "views: standard")
    )
    return untrained_run(recipe, tmp_path / "run", seed=1)


def as_the_card_says(card: Path) -> nn.Module:
    """The network that the card's own code gives."""
    (code,) = re.findall(r"```python\n(.*?)```", card.read_text(), flags=re.S)
    names = {}
    exec(code, names)
    return names["model"]


@pytest.mark.parametrize(
    ("run", "file"),
    [
        ("tiny", "model.safetensors"),
        ("fixed_size", "model.safetensors"),
        ("small_stem", "model.safetensors"),
        ("resnet", "model.pth"),
        ("small_stem", "model.pt"),
        ("flat", "model.safetensors"),
        ("flat", "model.pt"),
        ("layers", "model.safetensors"),
        ("flat_layers", "model.safetensors"),
    ],
    indirect=["run"],
)
def test_features_are_the_same(run: Path, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = export(run, tmp_path / file)
    assert done.difference < 1e-6
    images = torch.randn(2, 3, 112, 112)
    monkeypatch.chdir(tmp_path)
    with torch.no_grad():
        torch.testing.assert_close(as_the_card_says(done.card)(images), load_backbone(run)(images))


@pytest.mark.slow
@pytest.mark.parametrize("run", ["tiny", "fixed_size", "resnet", "layers"], indirect=True)
@pytest.mark.parametrize("exporter", ["this", "older"])
def test_onnx_gives_the_same_features_for_batches_of_any_size(
    run: Path, exporter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if exporter == "older":
        monkeypatch.setattr(formats, "BY_DYNAMO", (99, 0))
    done = export(run, tmp_path / "model.onnx")
    assert 0 < done.difference < 1e-5
    monkeypatch.chdir(tmp_path)
    model, backbone = as_the_card_says(done.card), load_backbone(run)
    for count in (1, 5):
        images = torch.randn(count, 3, 112, 112)
        with torch.no_grad():
            torch.testing.assert_close(
                torch.from_numpy(model(images.numpy())), backbone(images), atol=1e-5, rtol=0
            )


def test_an_export_has_a_model_card(run: Path, tmp_path: Path) -> None:
    done = export(run, tmp_path / "model.safetensors")
    text = done.card.read_text()
    front = yaml.safe_load(text.split("---")[1])
    assert front["library_name"] == "timm"
    assert done.card.name == "model.safetensors.md"
    assert f"SHA-256 of the weights: `{weights_hash(load_backbone(run))}`" in text
    assert "[B, 3, 112, 112]" in text
    (recipe,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.S)
    assert yaml.safe_load(recipe) == yaml.safe_load((run / "recipe.yaml").read_text())


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ("model.bin", None),
        ("model.onnx", "timm"),
        ("model.pth", None),
    ],
)
def test_export_refuses_what_a_format_cannot_hold(
    run: Path, file: str, wanted: str | None, golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        export(run, type(run)(file), wanted)
    golden(str(caught.value))
    assert not (tmp_path / file).exists()


@pytest.mark.parametrize("run", ["flat_layers"], indirect=True)
@pytest.mark.parametrize("file", ["model.pth", "folder"])
def test_formats_for_the_last_features_refuse_those_of_layers(
    run: Path, file: str, golden: Golden, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        export(run, tmp_path / file)
    golden(str(caught.value))
    assert not (tmp_path / file).exists()


def test_any_suffix_with_a_format(run: Path, tmp_path: Path) -> None:
    done = export(run, tmp_path / "weights", "timm")
    network = timm.create_model("test_byobnet", num_classes=0)
    assert safetensors.torch.load_file(done.output).keys() == network.state_dict().keys()


def test_onnx_without_its_libraries(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UserError) as caught:
        export(run, tmp_path / "model.onnx")
    golden(str(caught.value))


@pytest.mark.parametrize("broken", [0.5, float("nan")])
def test_other_features_are_never_written(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Check
) -> None:
    kind = package.FORMATS["timm"]
    changed = replace(kind, read=lambda *_: lambda images: torch.full((len(images), 256), broken))
    monkeypatch.setitem(package.FORMATS, "timm", changed)
    with pytest.raises(SslToolboxError, match="differ by"):
        export(run, tmp_path / "model.safetensors")
    assert not (tmp_path / "model.safetensors").exists()
