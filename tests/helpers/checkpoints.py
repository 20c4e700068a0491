"""Tiny vision transformers, and checkpoints of them as other libraries write them."""

from __future__ import annotations

import argparse
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssltoolbox.models import create_backbone
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
