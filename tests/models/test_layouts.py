"""Vision transformers in the layouts of other libraries; equal features show each tensor in its place."""

import argparse
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import VisionTransformer as TorchvisionViT

from ssltoolbox.api import UserError
from ssltoolbox.models import Match, create_backbone, load_weights
from ssltoolbox.models.layouts import CLIP_FRAMES

VIT = "vit_tiny_patch16_224"
TINY = {"embed_dim": 32, "depth": 3, "num_heads": 2}
SIZE, PATCH = 32, 8

State = dict[str, Tensor]


def vit(name: str = VIT, size: int = SIZE, **options: Any) -> nn.Module:
    """A tiny vision transformer of timm in evaluation mode."""
    options = {**TINY, "patch_size": PATCH, **options}
    return create_backbone(name, image_size=size, options=options).eval()


def shaken(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network with every tensor random, so that none could be mistaken for another."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.3)
    return network.eval()


def features(network: nn.Module, size: int = SIZE) -> Tensor:
    images = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        result: Tensor = network(images)
    return result


def loaded(network: nn.Module, content: Any, folder: Path, **options: bool) -> Match:
    path = folder / "checkpoint.pth"
    torch.save(content, path)
    return load_weights(network, path, **options)


def prefixed(state: State, prefix: str) -> State:
    return {prefix + key: tensor for key, tensor in state.items()}


def changed(state: State) -> State:
    """Of another network of the same kind, which must not be taken."""
    return {key: tensor + 1 for key, tensor in state.items()}


def mae(state: State) -> dict[str, Any]:
    decoder = {"mask_token": torch.zeros(1, 1, 16), "decoder_blocks.0.norm1.weight": torch.zeros(16)}
    return {"model": state | decoder, "optimizer": {"state": {0: {"exp_avg": torch.zeros(3)}}}, "epoch": 1}


def moco_v3(state: State) -> dict[str, Any]:
    heads = {
        "module.base_encoder.head.0.weight": torch.zeros(8, 32),
        "module.predictor.0.weight": torch.zeros(8, 8),
    }
    momentum = prefixed(changed(state), "module.momentum_encoder.")
    return {"arch": "vit_small", "state_dict": momentum | prefixed(state, "module.base_encoder.") | heads}


def dino(state: State) -> dict[str, Any]:
    """As its training saves it: the student is in DistributedDataParallel, the teacher is not."""
    return {
        "student": prefixed(changed(state), "module.backbone.")
        | {"module.head.mlp.0.weight": torch.zeros(8, 32)},
        "teacher": prefixed(state, "backbone.") | {"head.mlp.0.weight": torch.zeros(8, 32)},
        "args": argparse.Namespace(arch="vit_small"),
        "dino_loss": {"center": torch.zeros(1, 8)},
    }


def dinov2_pretrained(state: State) -> dict[str, Any]:
    return state | {"mask_token": torch.zeros(1, 32)}


def dinov2_teacher(state: State) -> dict[str, Any]:
    """As its training saves a teacher: blocks in chunks, those of the second chunk counted on."""
    chunks = {f"blocks.{number}.": f"blocks.{number // 2}.{number}." for number in range(TINY["depth"])}
    renamed = {chunks.get(key[:9], key[:9]) + key[9:]: tensor for key, tensor in state.items()}
    return {"teacher": prefixed(renamed, "backbone.") | {"dino_head.mlp.0.weight": torch.zeros(8, 32)}}


def lightly_train_embedding(state: State) -> dict[str, Any]:
    """`lightly-train export` with `part=embedding_model`."""
    return prefixed(state, "wrapped_model._model.")


def lightly_dino(state: State) -> dict[str, Any]:
    both = prefixed(changed(state), "student_backbone.") | prefixed(state, "teacher_backbone.")
    return {"state_dict": both, "hyper_parameters": {"lr": 0.1}}


def stable_pretraining(state: State) -> dict[str, Any]:
    """With its TeacherStudentWrapper, whose forward is that of the teacher."""
    both = prefixed(changed(state), "backbone.student.") | prefixed(state, "backbone.teacher.")
    return {"state_dict": both | {"backbone.ema_coefficient": torch.tensor(0.99)}}


def stable_pretraining_mae(state: State) -> dict[str, Any]:
    return {"state_dict": prefixed(state, "encoder.vit.") | {"decoder.pos_embed": torch.zeros(1, 17, 16)}}


def timm_with_ema(state: State) -> dict[str, Any]:
    return {"state_dict": state | {"head.weight": torch.zeros(9, 32)}, "state_dict_ema": changed(state)}


def hugging_face(state: State) -> dict[str, Any]:
    names = {
        "cls_token": "embeddings.cls_token",
        "pos_embed": "embeddings.position_embeddings",
        "patch_embed.proj": "embeddings.patch_embeddings.projection",
        "blocks": "encoder.layer",
        "norm1": "layernorm_before",
        "norm2": "layernorm_after",
        "attn.proj": "attention.output.dense",
        "mlp.fc1": "intermediate.dense",
        "mlp.fc2": "output.dense",
    }
    renamed: State = {}
    for key, tensor in state.items():
        for ours, theirs in names.items():
            key = key.replace(ours, theirs)
        key = "layernorm" + key[4:] if key.startswith("norm.") else key
        if "attn.qkv" in key:
            for part, third in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                renamed[key.replace("attn.qkv", f"attention.attention.{part}")] = third.clone()
        else:
            renamed[key] = tensor
    return prefixed(renamed, "vit.") | {"decoder.mask_token": torch.zeros(1, 1, 8)}


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


def test_moco_v3_is_the_query_and_needs_its_heads(tmp_path: Path) -> None:
    theirs = shaken(vit(embed_dim=48, num_heads=12))
    ours = vit(embed_dim=48, num_heads=12)
    found = loaded(ours, moco_v3(theirs.state_dict()), tmp_path)
    assert (found.prefix, found.others) == ("base_encoder.", ("momentum_encoder.",))
    assert torch.equal(features(ours), features(theirs))
    with pytest.raises(UserError, match=r"12 heads.*num_heads: 12"):
        loaded(vit(embed_dim=48, num_heads=2), moco_v3(theirs.state_dict()), tmp_path)


def test_registers_of_dinov2(tmp_path: Path) -> None:
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


def test_swiglu_of_dinov2(tmp_path: Path) -> None:
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


def a_block(state: State, block: str, tokens: Tensor) -> Tensor:
    """A block of MARLIN, written plainly: tokens [B, tokens, D]."""

    def norm(name: str) -> Tensor:
        weight, bias = state[f"{block}{name}.weight"], state[f"{block}{name}.bias"]
        return F.layer_norm(tokens, (32,), weight, bias, 1e-6)

    biases = (state[f"{block}attn.q_bias"], torch.zeros(32), state[f"{block}attn.v_bias"])
    mixed = F.linear(norm("norm1"), state[f"{block}attn.qkv.weight"], torch.cat(biases))
    query, key, value = mixed.unflatten(-1, (3, 2, 16)).permute(2, 0, 3, 1, 4)
    attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
    tokens = tokens + F.linear(attended, state[f"{block}attn.proj.weight"], state[f"{block}attn.proj.bias"])
    first, second = f"{block}mlp.layers.0.linear.", f"{block}mlp.layers.1.linear."
    hidden = F.gelu(F.linear(norm("norm2"), state[f"{first}weight"], state[f"{first}bias"]))
    return tokens + F.linear(hidden, state[f"{second}weight"], state[f"{second}bias"])


def marlin(state: State, images: Tensor) -> Tensor:
    """Pooled features of the first moment of clips that stand still: the mean of the tokens, then the norm.

    Args:
        images: colours from 0 to 1.
    """
    clips = torch.stack([images, images], dim=2)
    weight, bias = (state[f"patch_embedding.projection.{kind}"] for kind in ("weight", "bias"))
    tokens = F.conv3d(clips, weight, bias, stride=(2, PATCH, PATCH)).flatten(2).transpose(1, 2)
    tokens = tokens + state["pos_embedding.emb"][:, : tokens.shape[1]]
    for block in range(3):
        tokens = a_block(state, f"blocks.{block}.", tokens)
    return F.layer_norm(tokens.mean(dim=1), (32,), state["norm.weight"], state["norm.bias"], 1e-6)


def marlins_state() -> State:
    generator = torch.Generator().manual_seed(0)
    places = (SIZE // PATCH) ** 2 * CLIP_FRAMES // 2
    shapes: dict[str, tuple[int, ...]] = {
        "patch_embedding.projection.weight": (32, 3, 2, PATCH, PATCH),
        "patch_embedding.projection.bias": (32,),
        "pos_embedding.emb": (1, places, 32),
        "norm.weight": (32,),
        "norm.bias": (32,),
    }
    for block in (f"blocks.{number}." for number in range(3)):
        for norm in ("norm1", "norm2"):
            shapes |= {f"{block}{norm}.weight": (32,), f"{block}{norm}.bias": (32,)}
        shapes |= {f"{block}attn.q_bias": (32,), f"{block}attn.v_bias": (32,)}
        shapes |= {f"{block}attn.qkv.weight": (96, 32), f"{block}attn.proj.weight": (32, 32)}
        shapes |= {f"{block}attn.proj.bias": (32,)}
        shapes |= {
            f"{block}mlp.layers.0.linear.weight": (128, 32),
            f"{block}mlp.layers.0.linear.bias": (128,),
        }
        shapes |= {f"{block}mlp.layers.1.linear.weight": (32, 128), f"{block}mlp.layers.1.linear.bias": (32,)}
    return {key: torch.randn(shape, generator=generator) * 0.3 for key, shape in shapes.items()}


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


def test_a_network_of_clips_is_refused_unless_allowed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"video clips.*from_video: true"):
        loaded(vit(**STILL), prefixed(marlins_state(), "encoder."), tmp_path)


def test_a_network_of_clips_needs_one_without_a_class_token(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"of clips, 2 frames each; write .*class_token: false, global_pool: avg"
    ):
        loaded(vit(), prefixed(marlins_state(), "encoder."), tmp_path, from_video=True)


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
    theirs: dict[str, Any], such_as: str, tmp_path: Path
) -> None:
    """All tensors of the smaller network are in it, and yet it computes something else."""
    state = shaken(vit(**theirs)).state_dict()
    with pytest.raises(UserError, match=f"more are in its blocks .*{such_as}"):
        loaded(vit(), state, tmp_path)
    assert loaded(vit(), state, tmp_path, allow_partial=True).extra


def test_the_beginning_of_a_sequence_of_layers(tmp_path: Path) -> None:
    """As of VGG's: it is cut off on purpose."""
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
    theirs, ours = nn.ModuleDict({"features": layers}), nn.ModuleDict({"features": nn.Sequential(layers[0])})
    assert loaded(ours, theirs.state_dict(), tmp_path).complete


def test_what_is_refused_names_the_network_that_fits(tmp_path: Path) -> None:
    with torch.device("meta"):
        shapes = timm.create_model("vit_small_patch14_dinov2", num_classes=0, img_size=28).state_dict()
    state = {key: torch.zeros(()).expand(tensor.shape) for key, tensor in shapes.items()}
    with pytest.raises(
        UserError, match=r"looks like timm's vit_small_patch14_dinov2 under teacher\.backbone"
    ):
        loaded(create_backbone("test_resnet"), {"teacher": prefixed(state, "backbone.")}, tmp_path)


@pytest.mark.parametrize(
    ("stem", "words"), [("standard", "resnet18 under"), ("small", "resnet18 with a small stem under")]
)
def test_a_resnet_is_named_too(stem: Any, words: str, tmp_path: Path) -> None:
    state = prefixed(create_backbone("resnet18", stem=stem).state_dict(), "module.encoder_q.")
    with pytest.raises(UserError, match=f"looks like timm's {words} encoder_q; .* backbone.stem: {stem}"):
        loaded(vit(), {"state_dict": state}, tmp_path)


def test_a_network_that_timm_lacks_is_described(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match="a vision transformer of width 32 with 3 blocks and patches of 8 pixels"
    ):
        loaded(create_backbone("test_resnet"), vit().state_dict(), tmp_path)


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
