"""Maps the tensor names of other libraries to timm's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor

WRAPPERS = re.compile(r"(?<![^.])(module|_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
"""Components of keys that DataParallel, `torch.compile` and FSDP add."""

CLIP_FRAMES = 16
"""Frames of a clip of VideoMAE and MARLIN. Their files don't say it."""

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Layout:
    """How a library names the tensors of a network.

    Attributes:
        name: whose naming it is; empty for timm's.
        renames: regular expression in a key → its replacement, applied in this order.
        convert: changes what can't be done key by key: renamed tensors → tensors under timm's names. It returns an
            empty mapping where the tensors are not of this layout.
        video: the network reads clips; see `_still`.
    """

    name: str = ""
    renames: tuple[tuple[str, str], ...] = ()
    convert: Callable[[Tensors], Tensors] | None = None
    video: bool = False

    def renamed(self, key: str) -> str:
        """A key under timm's name.

        >>> Layout(renames=((r"^0[.]", "conv1."),)).renamed("0.weight")
        'conv1.weight'
        """
        for pattern, replacement in self.renames:
            key = re.sub(pattern, replacement, key)
        return key


def _merged(tensors: Tensors) -> dict[str, Tensor]:
    """Query, key and value of each block in one tensor, as timm has them."""
    merged = dict(tensors)
    for key in tensors:
        found = re.fullmatch(r"(.*attn\.)query\.(weight|bias)", key)
        if found:
            each = [merged.pop(f"{found[1]}{part}.{found[2]}", None) for part in ("query", "key", "value")]
            there = [tensor for tensor in each if tensor is not None]
            merged[f"{found[1]}qkv.{found[2]}"] = torch.cat(there)
    return merged


def _registers(tensors: Tensors) -> dict[str, Tensor]:
    """With registers, timm's networks have no position of the class token: DINOv2's is added to the token."""
    tensors = dict(tensors)
    if {"reg_token", "cls_token", "pos_embed"} <= tensors.keys():
        tensors["cls_token"] = tensors["cls_token"] + tensors["pos_embed"][:, :1]
        tensors["pos_embed"] = tensors["pos_embed"][:, 1:]
    return tensors


def _still(tensors: Tensors) -> dict[str, Tensor]:
    """A network of clips as one of images: a clip that stands still, with the tokens of the first moment alone.

    The patch embedding [D, 3, T, p, p] is summed over its T frames, and the positions are those of the first T
    frames. Tokens do not attend to those of later moments, so the features are not those of the whole clip.
    VideoMAE computes its positions and does not store them.
    """
    patches = tensors.get("patch_embed.proj.weight")
    if patches is None or patches.ndim != 5:
        return {}
    still = dict(tensors) | {"patch_embed.proj.weight": patches.sum(dim=2)}
    moments = CLIP_FRAMES // patches.shape[2]
    positions = tensors.get("pos_embed")
    if positions is None:
        positions = _sinusoids(moments * 14 * 14, patches.shape[0])
    still["pos_embed"] = positions[:, : positions.shape[1] // moments]
    for key in tensors:
        found = re.fullmatch(r"(.*attn\.)q_bias", key)
        if found:
            query, value = still.pop(key), still.pop(f"{found[1]}v_bias")
            still[f"{found[1]}qkv.bias"] = torch.cat([query, torch.zeros_like(value), value])
    for kind in ("weight", "bias"):  # both pool the tokens, then norm them: timm's `fc_norm`
        if f"norm.{kind}" in still:
            still.setdefault(f"fc_norm.{kind}", still.pop(f"norm.{kind}"))
    return still


def _of_normalised_images(tensors: Tensors) -> dict[str, Tensor]:
    """A network that sees colours from 0 to 1 as one of normalised images: its patch embedding undoes that."""
    patches, bias = tensors.get("patch_embed.proj.weight"), tensors.get("patch_embed.proj.bias")
    if patches is None or patches.ndim != 5 or bias is None:
        return {}
    mean, std = (
        patches.new_tensor(each)[:, None, None, None]
        for each in (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
    )
    undone = {
        "patch_embed.proj.weight": patches * std,
        "patch_embed.proj.bias": bias + (patches * mean).sum(dim=(1, 2, 3, 4)),
    }
    return {**tensors, **undone}


def _sinusoids(positions: int, width: int) -> Tensor:
    """Sines and cosines of positions [1, positions, width] (Vaswani et al. 2017, section 3.5)."""
    rates = 10000.0 ** (torch.arange(width) // 2 * -2.0 / width)
    angles = torch.arange(positions)[:, None] * rates
    return torch.where(torch.arange(width) % 2 == 0, angles.sin(), angles.cos())[None]


_LAYER = r"^encoder\.layers\.encoder_layer_(\d+)\."

LAYOUTS = (
    Layout(),  # torchvision's ResNets share it; so do the ViTs of MoCo v3, DINO, MAE
    # A torchvision ResNet's layers in a Sequential, as in lightly's tutorials.
    Layout(
        "layers in a Sequential",
        (
            (r"^0\.", "conv1."),
            (r"^1\.", "bn1."),
            *((rf"^{3 + layer}\.", f"layer{layer}.") for layer in range(1, 5)),
        ),
    ),
    # lightly's ResNetGenerator, made for images of 32 pixels: our small stem. Not its layers in a Sequential: that
    # leaves out the activation of the stem, and so is another network.
    Layout("lightly's ResNetGenerator", ((r"\.shortcut\.", ".downsample."),)),
    # Blocks in chunks for FSDP: the second number counts all blocks.
    Layout(
        "DINOv2",
        (
            (r"^blocks\.\d+\.(\d+)\.", r"blocks.\1."),
            (r"^register_tokens$", "reg_token"),
            (r"\.mlp\.w12\.", ".mlp.fc1."),
            (r"\.mlp\.w3\.", ".mlp.fc2."),
        ),
        _registers,
    ),
    Layout(
        "torchvision's ViT",
        (
            (r"^class_token$", "cls_token"),
            (r"^conv_proj\.", "patch_embed.proj."),
            (r"^encoder\.pos_embedding$", "pos_embed"),
            (r"^encoder\.ln\.", "norm."),
            (_LAYER + r"ln_(\d)\.", r"blocks.\1.norm\2."),
            (_LAYER + r"self_attention\.in_proj_", r"blocks.\1.attn.qkv."),
            (_LAYER + r"self_attention\.out_proj\.", r"blocks.\1.attn.proj."),
            (_LAYER + r"mlp\.(?:0|linear_1)\.", r"blocks.\1.mlp.fc1."),
            (_LAYER + r"mlp\.(?:3|linear_2)\.", r"blocks.\1.mlp.fc2."),
        ),
    ),
    # Its ViT, ViTMAE and DINOv2.
    Layout(
        "Hugging Face transformers",
        (
            (r"^embeddings\.(cls_token|mask_token)$", r"\1"),
            (r"^embeddings\.register_tokens$", "reg_token"),
            (r"^embeddings\.position_embeddings$", "pos_embed"),
            (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
            (r"^layernorm\.", "norm."),
            (r"^encoder\.layer\.(\d+)\.", r"blocks.\1."),
            (r"\.layernorm_before\.", ".norm1."),
            (r"\.layernorm_after\.", ".norm2."),
            (r"\.attention\.attention\.", ".attn."),
            (r"\.attention\.output\.dense\.", ".attn.proj."),
            (r"\.layer_scale(\d)\.lambda1$", r".ls\1.gamma"),
            (r"\.(?:intermediate\.dense|mlp\.weights_in)\.", ".mlp.fc1."),
            (r"\.(?:output\.dense|mlp\.weights_out)\.", ".mlp.fc2."),
        ),
        lambda tensors: _registers(_merged(tensors)),
    ),
    Layout("VideoMAE", ((r"\.gamma_(\d)$", r".ls\1.gamma"),), _still, video=True),
    Layout(
        "MARLIN",
        (
            (r"^pos_embedding\.emb$", "pos_embed"),
            (r"^patch_embedding\.projection\.", "patch_embed.proj."),
            (r"\.mlp\.layers\.0\.linear\.", ".mlp.fc1."),
            (r"\.mlp\.layers\.1\.linear\.", ".mlp.fc2."),
            (r"\.gamma_(\d)$", r".ls\1.gamma"),
        ),
        lambda tensors: _still(_of_normalised_images(tensors)),
        video=True,
    ),
)
"""The first of those that fit equally well is taken."""
