"""Networks with pooled features: those of plugins, and any model of timm by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import timm
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ssltoolbox.api import BackboneSetting, Options, UserError
from ssltoolbox.api.errors import first_line, reason_of
from ssltoolbox.api.suggest import did_you_mean, suggest
from ssltoolbox.models.pretrained import refuse_unavailable
from ssltoolbox.models.weights import load_weights

IMAGENET = "imagenet"


def build_backbone(
    target: Callable[[Any, BackboneSetting], Any],
    options: Options,
    setting: BackboneSetting,
    weights: Path | None = None,
    allow_partial: bool = False,
    from_video: bool = False,
) -> nn.Module:
    """The network that a component of a plugin makes, with the weights of a file.

    Args:
        target: the component's.
        options, setting: what it is called with.
        weights: a file; None to leave its weights as they are. See `load_weights`.
        allow_partial: leave tensors that the file lacks as they are, instead of refusing it.
        from_video: make a network of still images of one of clips, instead of refusing it.

    Raises:
        UserError: where it is no network, and for bad weights.
    """
    network = target(options, setting)
    if not isinstance(network, nn.Module):
        raise UserError(f"backbone {setting.name!r} is a {type(network).__name__}, not a torch.nn.Module")
    if weights is not None:
        load_weights(network, weights, allow_partial, from_video)
    return network


def create_backbone(
    name: str,
    *,
    weights: str | None = None,
    stem: Literal["standard", "small"] = "standard",
    image_size: int = 224,
    options: Mapping[str, Any] | None = None,
    allow_partial: bool = False,
    from_video: bool = False,
) -> nn.Module:
    """A timm model that maps [B, 3, image_size, image_size] to pooled features [B, feature_dim].

    Args:
        name: timm's name.
        weights: None for random ones, "imagenet" for timm's (downloaded), or a file; see `load_weights`.
        stem: "small" makes the first convolution 3×3 with stride 1 and removes the max-pooling, for images of
            about 32 to 64 pixels (Chen et al. 2020, appendix B.9).
        image_size: height and width, for models with a fixed input size.
        options: passed to timm. `global_pool: ""` gives all features of the last map, one after the other.
        allow_partial: accept a file that lacks tensors; these stay random.
        from_video: accept a file of a network of clips.

    Raises:
        UserError: for an unknown name or tag, a stem that the model lacks, options or an image size that it
            refuses, bad weights, or ImageNet weights that can't be fetched. It names the key of the recipe.
    """
    options = options or {}
    _check_name(name)
    if weights == IMAGENET:
        refuse_unavailable(name)
    arguments = timm_arguments(name, image_size, options)
    try:
        model = timm.create_model(name, pretrained=weights == IMAGENET, num_classes=0, **arguments)
    except MemoryError:
        raise
    except Exception as error:  # timm raises many types for wrong options and sizes
        raise _refused(name, weights, options, arguments, error) from error
    if stem == "small":
        _make_stem_small(model, name)
    if is_flattened(options):
        _flatten_map(model, name, image_size)
    if weights not in (None, IMAGENET):
        load_weights(model, Path(str(weights)), allow_partial, from_video)
    return model


def timm_arguments(name: str, image_size: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of timm's `create_model` besides the name: the options, and a fixed input size."""
    config = timm.models.get_pretrained_cfg(name)
    fixed = config is not None and config.fixed_input_size
    return dict(options) | ({"img_size": image_size} if fixed and "img_size" not in options else {})


def is_flattened(options: Mapping[str, Any]) -> bool:
    """True if the features of a network with these options are its last map, not pooled."""
    return options.get("global_pool") == ""


def pooling_of(model: nn.Module) -> str:
    """The path of a timm model's global pooling, as in `model.get_submodule`; empty if it has none."""
    paths = ("global_pool", "head.global_pool")
    modules = dict(model.named_modules())
    return next((path for path in paths if path in modules), "")


def feature_dim(backbone: nn.Module, image_size: int, option: str = "views.size") -> int:
    """The number of pooled features, found by a forward pass of a black image.

    Args:
        backbone: a network.
        image_size: height and width of the image in pixels.
        option: the recipe's option that has the size.

    Raises:
        UserError: when the output is not [B, features], or the image is too small for the model.
    """
    try:
        features = of_a_black_image(backbone, image_size)
    except MemoryError:
        raise
    except Exception as error:  # networks have no common check of the size
        raise UserError(
            f"the backbone can't take {image_size}×{image_size} images: {first_line(error)}",
            f"choose another {option}, or another backbone",
        ) from error
    if not isinstance(features, torch.Tensor):
        raise UserError(f"the backbone gives a {type(features).__name__}, not pooled features [B, features]")
    if features.ndim != 2:
        raise UserError(f"the backbone gives {list(features.shape)}, not pooled features [B, features]")
    return int(features.shape[1])


def unseen_border(backbone: nn.Module, image_size: int) -> str:
    """One line for the user if the backbone ignores a border of the image; else empty.

    Networks that cut the image into patches drop the rest at the right and at the bottom.
    """
    patch = _patch_size(backbone)
    covered = image_size // patch * patch
    if covered in (0, image_size):
        return ""
    return (
        f"The backbone cuts images into patches of {patch} pixels and drops the rest: it sees "
        f"{covered}×{covered} of {image_size}×{image_size} pixels, {covered**2 / image_size**2:.0%} of the image. "
        f"Sizes that fit: views.size {covered} or {covered + patch}."
    )


def forward_flops(backbone: nn.Module, image_size: int) -> int:
    """Floating-point operations of a forward pass of one image, counting products and convolutions."""
    with FlopCounterMode(display=False) as counter:
        of_a_black_image(backbone, image_size)
    return int(counter.get_total_flops())


@contextmanager
def frozen(backbone: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; the mode of every module is restored."""
    modes = [(module, module.training) for module in backbone.modules()]
    backbone.eval()
    try:
        # Not inference_mode: a backbone could not train with tensors that it caches in it.
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def of_a_black_image(backbone: nn.Module, image_size: int) -> torch.Tensor:
    """The features of a black image in eval mode; the mode of every module is restored.

    `forward` is called directly, because a call would compile a network that is marked for compilation.
    """
    device = next(backbone.parameters()).device
    with frozen(backbone):
        features: torch.Tensor = backbone.forward(torch.zeros(1, 3, image_size, image_size, device=device))
    return features


def _patch_size(backbone: nn.Module) -> int:
    """Side of the patches of the first convolution; 1 if they overlap or the image is padded."""
    if getattr(getattr(backbone, "patch_embed", None), "dynamic_img_pad", False):
        return 1
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == 3:
            cuts = module.kernel_size == module.stride and module.padding in ((0, 0), "valid")
            return module.kernel_size[0] if cuts else 1
    return 1


def _check_name(name: str) -> None:
    """
    Raises:
        UserError: if timm has no such model, or no such weights.
    """
    architecture, dot, tag = name.partition(".")
    if ":" in name:
        raise UserError(
            f"backbone.name: {name!r} is a path, but a name of timm is needed, such as resnet18",
            "write its network's name, and under weights: imagenet, or the path of a file",
        )
    if not timm.is_model(architecture):
        hint = did_you_mean(name, timm.list_models())
        raise UserError(f"backbone.name: timm has no model {name!r}", hint)
    tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")]
    if dot and tag not in tags:
        near = suggest(tag, tags)
        known = ", ".join(tags) or "none"
        raise UserError(
            f"backbone.name: timm has no weights {tag!r} of {architecture}; it has: {known}",
            f"did you mean '{architecture}.{near}'?" if near else f"write {architecture}",
        )


def _refused(
    name: str, weights: str | None, options: Mapping[str, Any], arguments: Mapping[str, Any], error: Exception
) -> UserError:
    """Converts an error of timm to one that names the key of the recipe.

    Args:
        options: the recipe's.
        arguments: the arguments of timm: the options, and the image size if the network needs it.
    """
    if weights == IMAGENET and isinstance(error, (OSError, RuntimeError)):
        return UserError(
            f"backbone.weights: timm's weights of {name!r} can't be loaded: {first_line(error)}",
            "they are fetched over the network, once; or write the path of a file of weights",
        )
    given = ", ".join(f"{key}: {value!r}" for key, value in arguments.items())
    unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    if unknown and unknown[1] in options:
        return UserError(
            f"backbone.options: {name!r} has no option {unknown[1]!r}", f"timm was given {{{given}}}"
        )
    key = "backbone.options" if options else "backbone.name"
    return UserError(
        f"{key}: timm can't make {name!r} with {{{given}}}: {reason_of(error)}",
        "" if options else "choose another views.size, or another backbone",
    )


def _make_stem_small(model: nn.Module, name: str) -> None:
    conv, pool = getattr(model, "conv1", None), getattr(model, "maxpool", None)
    if not isinstance(conv, nn.Conv2d) or pool is None or conv.kernel_size != (7, 7):
        raise UserError(
            f"backbone {name!r} has no 7×7 stem with max-pooling to make small", "write stem: standard"
        )
    model.conv1 = nn.Conv2d(conv.in_channels, conv.out_channels, 3, stride=1, padding=1, bias=False)
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.maxpool = nn.Identity()


def _flatten_map(model: nn.Module, name: str, image_size: int) -> None:
    """The features become the last map [C, h, w] as [C·h·w], where timm would give the map itself.

    Raises:
        UserError: if the network has no global pooling, or has more layers behind it.
    """
    path = pooling_of(model)
    if path:
        model.set_submodule(path, nn.Flatten())
    try:
        flat = path and of_a_black_image(model, image_size).ndim == 2
    except (RuntimeError, ValueError):
        flat = False
    if not flat:
        raise UserError(
            f"backbone {name!r} can't give its last map as features at {image_size}×{image_size} pixels",
            "remove global_pool, or choose another network, such as resnet18",
        )
