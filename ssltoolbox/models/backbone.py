"""Any timm model with pooled features, by its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import timm
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.api.suggest import suggest
from ssltoolbox.models.weights import load_weights

IMAGENET = "imagenet"


def create_backbone(
    name: str,
    *,
    weights: str | None = None,
    stem: Literal["standard", "small"] = "standard",
    image_size: int = 224,
    options: Mapping[str, Any] | None = None,
    allow_partial: bool = False,
) -> nn.Module:
    """A timm model that maps [B, 3, image_size, image_size] to pooled features [B, feature_dim].

    Args:
        name: timm's name.
        weights: None for random ones, "imagenet" for timm's (downloaded), or a file; see `load_weights`.
        stem: "small" makes the first convolution 3×3 with stride 1 and drops the max-pooling, for images of
            some 32 to 64 pixels (Chen et al. 2020, appendix B.9).
        image_size: for models whose size is fixed when they are made.
        options: passed on to timm.
        allow_partial: leave tensors that the file lacks random, instead of refusing it.

    Raises:
        UserError: for an unknown name, a stem that the model lacks, options that it refuses, bad weights, or
            ImageNet weights that are not to be had.
    """
    if not timm.is_model(name.split(".")[0]):
        near = suggest(name, timm.list_models())
        raise UserError(f"timm has no model {name!r}", f"did you mean {near!r}?" if near else "")
    keywords = timm_arguments(name, image_size, options or {})
    try:
        model = timm.create_model(name, pretrained=weights == IMAGENET, num_classes=0, **keywords)
    except TypeError as error:
        raise UserError(f"backbone {name!r} refuses its options {keywords}: {error}") from error
    except (OSError, RuntimeError) as error:
        if weights != IMAGENET:
            raise
        raise UserError(
            f"timm's ImageNet weights of {name!r} are not to be had: {first_line(error)}",
            "timm fetches them over the network, once; or name a file of weights",
        ) from error
    if stem == "small":
        _make_stem_small(model, name)
    if weights not in (None, IMAGENET):
        load_weights(model, Path(str(weights)), allow_partial)
    return model


def timm_arguments(name: str, image_size: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """What timm's `create_model` is given beside the name: the options, and the size where it is fixed."""
    config = timm.models.get_pretrained_cfg(name)
    fixed = config is not None and config.fixed_input_size
    return dict(options) | ({"img_size": image_size} if fixed and "img_size" not in options else {})


def feature_dim(backbone: nn.Module, image_size: int) -> int:
    """The number of pooled features, found by a forward pass of one black image.

    Raises:
        UserError: when the output is not [B, features], or the image is too small for the model.
    """
    try:
        features = _of_a_black_image(backbone, image_size)
    except (RuntimeError, AssertionError) as error:
        raise UserError(
            f"the backbone can't take {image_size}×{image_size} images: {first_line(error)}"
        ) from error
    if features.ndim != 2:
        raise UserError(f"the backbone gives {list(features.shape)}, not pooled features [B, features]")
    return int(features.shape[1])


def forward_flops(backbone: nn.Module, image_size: int) -> int:
    """Floating-point operations of a forward pass of one image, those of products and convolutions."""
    with FlopCounterMode(display=False) as counter:
        _of_a_black_image(backbone, image_size)
    return int(counter.get_total_flops())


def _of_a_black_image(backbone: nn.Module, image_size: int) -> torch.Tensor:
    """What the backbone makes of one black image in eval mode; it is left in the mode that it was in.

    Not by a call, which would compile a network that is to be compiled.
    """
    device = next(backbone.parameters()).device
    was_training = backbone.training
    try:
        with torch.no_grad():
            features: torch.Tensor = backbone.eval().forward(
                torch.zeros(1, 3, image_size, image_size, device=device)
            )
    finally:
        backbone.train(was_training)
    return features


def _make_stem_small(model: nn.Module, name: str) -> None:
    conv, pool = getattr(model, "conv1", None), getattr(model, "maxpool", None)
    if not isinstance(conv, nn.Conv2d) or pool is None or conv.kernel_size != (7, 7):
        raise UserError(
            f"backbone {name!r} has no 7×7 stem with max-pooling to make small", "write stem: standard"
        )
    model.conv1 = nn.Conv2d(conv.in_channels, conv.out_channels, 3, stride=1, padding=1, bias=False)
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.maxpool = nn.Identity()
