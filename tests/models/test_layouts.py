"""Vision transformers in the layouts of other libraries; equal features show each tensor in its place."""

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from helpers.checkpoints import (
    PATCH,
    SIZE,
    State,
    dino,
    dinov2_pretrained,
    dinov2_teacher,
    hugging_face,
    lightly_dino,
    lightly_train_embedding,
    mae,
    marlin,
    marlins_state,
    moco_v3,
    prefixed,
    shaken,
    stable_pretraining,
    stable_pretraining_mae,
    timm_with_ema,
    vit,
)
from helpers.golden import Golden
from torch import Tensor, nn
from torchvision.models import VisionTransformer as TorchvisionViT

from ssltoolbox.api import UserError
from ssltoolbox.models import Match, create_backbone, load_weights


def features(network: nn.Module, size: int = SIZE) -> Tensor:
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        result: Tensor = network(images)
    return result


def loaded(network: nn.Module, content: Any, folder: Path, **options: bool) -> Match:
    path = folder / "checkpoint.pth"
    torch.save(content, path)
    return load_weights(network, path, **options)


@pytest.mark.parametrize(
    ("layout", "prefix", "others"),
    [
        (mae, "", ()),
        (dino, "teacher.backbone.", ("student.backbone.",)),
        (dinov2_pretrained, "", ()),
        (dinov2_teacher, "teacher.backbone.", ()),
        (lightly_train_embedding, "wrapped_model._model.", ()),
        (lightly_dino, "teacher_backbone.", ("student_backbone.",)),
        (stable_pretraining, "backbone.teacher.", ("backbone.student.",)),
        (stable_pretraining_mae, "encoder.vit.", ()),
        (timm_with_ema, "", ("state_dict_ema.",)),
        (hugging_face, "vit.", ()),
    ],
)
def test_each_layout_gives_the_same_features(
    layout: Callable[[State], dict[str, Any]], prefix: str, others: tuple[str, ...], tmp_path: Path
) -> None:
    theirs, ours = shaken(vit()), vit()
    found = loaded(ours, layout(theirs.state_dict()), tmp_path)
    assert found.complete
    assert (found.prefix, found.others) == (prefix, others)
    assert torch.equal(features(ours), features(theirs))


def test_moco_v3_is_the_query_and_needs_its_heads(tmp_path: Path, golden: Golden) -> None:
    theirs = shaken(vit(embed_dim=48, num_heads=12))
    ours = vit(embed_dim=48, num_heads=12)
    found = loaded(ours, moco_v3(theirs.state_dict()), tmp_path)
    assert (found.prefix, found.others) == ("base_encoder.", ("momentum_encoder.",))
    assert torch.equal(features(ours), features(theirs))
    with pytest.raises(UserError) as caught:
        loaded(vit(embed_dim=48, num_heads=2), moco_v3(theirs.state_dict()), tmp_path)
    golden(str(caught.value))


def test_registers_of_dinov2_are_loaded_under_timm_s_names(tmp_path: Path) -> None:
    """Its position of the class token is in timm's class token."""
    name = "vit_small_patch14_reg4_dinov2"
    theirs = shaken(vit(name))
    state = theirs.state_dict()
    position = torch.randn(1, 1, 32)
    state["register_tokens"] = state.pop("reg_token")
    state["cls_token"] = state["cls_token"] - position
    state["pos_embed"] = torch.cat([position, state["pos_embed"]], dim=1)
    ours = vit(name)
    found = loaded(ours, state | {"mask_token": torch.zeros(1, 32)}, tmp_path)
    assert (found.resampled, found.layout.name) == ((), "DINOv2")
    torch.testing.assert_close(features(ours), features(theirs))


@pytest.mark.parametrize("name", ["vit_small_patch14_reg4_dinov2", "vit_small_patch14_dinov2"])
def test_dinov2_at_another_size(name: str, tmp_path: Path) -> None:
    theirs = shaken(vit(name, size=48))
    ours = vit(name, size=32)
    assert loaded(ours, theirs.state_dict(), tmp_path).resampled == ("pos_embed",)
    assert features(ours).isfinite().all()
    assert torch.equal(ours.blocks[2].ls1.gamma, theirs.blocks[2].ls1.gamma)


def test_swiglu_of_dinov2_is_loaded_under_timm_s_names(tmp_path: Path) -> None:
    name = "vit_giant_patch14_dinov2"
    theirs = shaken(vit(name))
    state = {
        key.replace("mlp.fc1", "mlp.w12").replace("mlp.fc2", "mlp.w3"): tensor
        for key, tensor in theirs.state_dict().items()
    }
    ours = vit(name)
    assert loaded(ours, state, tmp_path).complete
    assert torch.equal(features(ours), features(theirs))


@pytest.mark.filterwarnings("ignore")
def test_vision_transformers_of_torchvision(tmp_path: Path) -> None:
    theirs = TorchvisionViT(SIZE, PATCH, num_layers=3, num_heads=2, hidden_dim=32, mlp_dim=128)
    shaken(theirs).heads = nn.Identity()
    ours = vit()
    found = loaded(ours, prefixed(theirs.state_dict(), "backbone.vit."), tmp_path)
    assert found.layout.name == "torchvision's ViT"
    torch.testing.assert_close(features(ours), features(theirs), rtol=1e-3, atol=1e-4)


MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
STILL = {"class_token": False, "global_pool": "avg"}


def test_marlin_is_the_network_of_a_clip_that_stands_still(tmp_path: Path) -> None:
    state = marlins_state()
    file = prefixed(state, "encoder.") | {"decoder.mask_token": torch.zeros(1, 1, 16)}
    ours = vit(**STILL)
    found = loaded(ours, file, tmp_path, from_video=True)
    assert found.complete
    images = torch.rand(2, 3, SIZE, SIZE)
    normalised = (images - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    with torch.no_grad():
        torch.testing.assert_close(ours(normalised), marlin(state, images), rtol=1e-3, atol=1e-4)


def test_a_network_of_clips_is_refused_unless_allowed(tmp_path: Path, golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        loaded(vit(**STILL), prefixed(marlins_state(), "encoder."), tmp_path)
    golden(str(caught.value))


def test_a_network_of_clips_needs_one_without_a_class_token(tmp_path: Path, golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        loaded(vit(), prefixed(marlins_state(), "encoder."), tmp_path, from_video=True)
    golden(str(caught.value))


def test_positions_that_videomae_computes(tmp_path: Path) -> None:
    """Its positions are sines and cosines of the number of the patch in the clip, of 14 by 14 patches a moment."""
    state = {
        key.replace("patch_embedding.projection", "patch_embed.proj")
        .replace("mlp.layers.0.linear", "mlp.fc1")
        .replace("mlp.layers.1.linear", "mlp.fc2"): tensor
        for key, tensor in marlins_state().items()
        if key != "pos_embedding.emb"
    }
    ours = vit(size=14 * PATCH, **STILL)
    found = loaded(ours, {"model": prefixed(state, "encoder.")}, tmp_path, from_video=True)
    assert (found.complete, found.layout.name) == (True, "VideoMAE")
    assert torch.equal(ours.patch_embed.proj.weight, state["patch_embed.proj.weight"].sum(dim=2))
    angle = torch.tensor(15.0) / 10000 ** (6 / 32)
    torch.testing.assert_close(ours.pos_embed[0, 15, 6:8], torch.stack([angle.sin(), angle.cos()]))


@pytest.mark.parametrize(
    ("theirs", "such_as"),
    [({"depth": 4}, "blocks.3.norm1.weight"), ({"init_values": 0.1}, "blocks.0.ls1.gamma")],
)
def test_the_file_of_a_larger_network_is_refused(
    theirs: dict[str, Any], such_as: str, tmp_path: Path, golden: Golden
) -> None:
    """All tensors of the smaller network are in it, and yet it computes something else."""
    state = shaken(vit(**theirs)).state_dict()
    with pytest.raises(UserError) as caught:
        loaded(vit(), state, tmp_path)
    assert such_as in str(caught.value)
    golden(str(caught.value))
    assert loaded(vit(), state, tmp_path, allow_partial=True).extra


def test_the_beginning_of_a_sequence_of_layers(tmp_path: Path) -> None:
    """As of VGG's: it is cut off on purpose."""
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
    theirs, ours = nn.ModuleDict({"features": layers}), nn.ModuleDict({"features": nn.Sequential(layers[0])})
    assert loaded(ours, theirs.state_dict(), tmp_path).complete


def test_what_is_refused_names_the_network_that_fits(tmp_path: Path, golden: Golden) -> None:
    with torch.device("meta"):
        shapes = timm.create_model("vit_small_patch14_dinov2", num_classes=0, img_size=28).state_dict()
    state = {key: torch.zeros(()).expand(tensor.shape) for key, tensor in shapes.items()}
    with pytest.raises(UserError) as caught:
        loaded(create_backbone("test_resnet"), {"teacher": prefixed(state, "backbone.")}, tmp_path)
    golden(str(caught.value))


@pytest.mark.parametrize("stem", ["standard", "small"])
def test_a_resnet_is_named_too(stem: Any, tmp_path: Path, golden: Golden) -> None:
    state = prefixed(create_backbone("resnet18", stem=stem).state_dict(), "module.encoder_q.")
    with pytest.raises(UserError) as caught:
        loaded(vit(), {"state_dict": state}, tmp_path)
    assert f"backbone.stem: {stem}" in str(caught.value)
    golden(str(caught.value))


def test_a_network_that_timm_lacks_is_described(tmp_path: Path, golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        loaded(create_backbone("test_resnet"), vit().state_dict(), tmp_path)
    golden(str(caught.value))


@pytest.fixture
def plugins_module(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A plugin's module with a network and the conversion of a published checkpoint."""
    source = """
from torch import nn

class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])

def checkpoint_filter_fn(tensors, network):
    return {key.replace("conv1.0.", "stem.").replace("fc", "blocks."): tensor for key, tensor in tensors.items()}
"""
    module = types.ModuleType("published_plugin")
    exec(source, module.__dict__)
    module.Encoder.__module__ = module.__name__
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_a_plugin_converts_its_own_layout(plugins_module: types.ModuleType, tmp_path: Path) -> None:
    """Also of a class that derives from the plugin's, and beside other networks in the file."""
    encoder = type("Derived", (plugins_module.Encoder,), {"__module__": __name__})()
    published = {
        "conv1.0.weight": torch.randn(4, 3, 3, 3),
        "conv1.0.bias": torch.randn(4),
        "fc0.weight": torch.randn(4, 4),
        "fc0.bias": torch.randn(4),
        "fc1.weight": torch.randn(4, 4),
        "fc1.bias": torch.randn(4),
    }
    other = {"conv1.0.weight": torch.zeros(8, 3, 3, 3)}
    found = loaded(encoder, {"codegeneration": published, "generator": other}, tmp_path)
    assert found.complete
    assert found.prefix == "codegeneration."
    assert torch.equal(encoder.stem.weight, published["conv1.0.weight"])
    assert torch.equal(encoder.blocks[1].bias, published["fc1.bias"])
