"""A folder that timm opens as `local-dir:FOLDER`, and that the Hugging Face hub takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import timm
from torch import nn

from ssltoolbox.api import UserError
from ssltoolbox.engine.inspect.export.formats import Format, Run, write_timm
from ssltoolbox.models.backbone import feature_dim, is_flattened, timm_arguments
from ssltoolbox.plan import Plan
from ssltoolbox.support.files import write_bytes
from ssltoolbox.views.pixels import IMAGENET_MEAN, IMAGENET_STD

_AS_FILE = "export a file: -o model.safetensors; its card has the code that loads it"
WEIGHTS, CONFIG = "model.safetensors", "config.json"


def _files(output: Path, weights: bytes, backbone: nn.Module, plan: Plan) -> Mapping[Path, bytes]:
    """The weights, and what timm needs to open them."""
    config = json.dumps(_config(backbone, plan), indent=2) + "\n"
    return {output / WEIGHTS: weights, output / CONFIG: config.encode()}


def _card(output: Path) -> Path:
    return output / "README.md"


def _refuse_other_folders(output: Path) -> None:
    """
    Raises:
        UserError: for a folder with files that are not of an earlier export, and for a file.
    """
    if output.is_file():
        raise UserError(f"{output} is a file, not a folder")
    if output.is_dir() and any(output.iterdir()) and not (output / CONFIG).is_file():
        raise UserError(f"{output} is not empty, and holds no exported network", "name another folder")


def _config(backbone: nn.Module, plan: Plan) -> dict[str, Any]:
    """What timm needs to make the network again, and what the hub shows."""
    recipe = plan.recipe.backbone
    arguments = timm_arguments(recipe.name, plan.image_size, recipe.options)
    return {
        "architecture": recipe.name.partition(".")[0],
        "num_classes": 0,
        "num_features": feature_dim(backbone, plan.image_size),
        "model_args": arguments,
        "pretrained_cfg": {
            "custom_load": False,
            "input_size": [3, plan.image_size, plan.image_size],
            "fixed_input_size": "img_size" in arguments,
            "pool_size": None,
            "crop_pct": 1.0,
            "interpolation": "bilinear",
            "mean": list(IMAGENET_MEAN),
            "std": list(IMAGENET_STD),
            "first_conv": backbone.pretrained_cfg.get("first_conv"),  # type: ignore[union-attr, operator]
            "classifier": backbone.pretrained_cfg.get("classifier"),  # type: ignore[union-attr, operator]
        },
    }


def _write(backbone: nn.Module, plan: Plan) -> bytes:
    """
    Raises:
        UserError: where timm can't make the network from its name and options.
    """
    if plan.recipe.backbone.stem == "small":
        raise UserError(
            "timm has no name for a network with stem: small, so it can't open a folder with one",
            _AS_FILE,
        )
    if plan.recipe.backbone.layers:
        raise UserError(
            "timm gives the last features of a network in a folder, not those of backbone.layers", _AS_FILE
        )
    if is_flattened(plan.recipe.backbone.options):
        raise UserError("timm gives the last map of a network without global pooling, not features", _AS_FILE)
    return write_timm(backbone, plan)


def _read(content: bytes, plan: Plan) -> Run:
    """timm opens a folder with this content."""
    from ssltoolbox.engine.core.backbone import make_backbone

    with TemporaryDirectory() as folder:
        for file, its in _files(Path(folder), content, make_backbone(plan), plan).items():
            write_bytes(file, its)
        return timm.create_model(f"local-dir:{folder}", pretrained=True).eval()


def _usage(folder: str, backbone: nn.Module, plan: Plan) -> str:
    return "\n".join(
        ["import timm", "", f'model = timm.create_model("local-dir:{folder}", pretrained=True).eval()']
    )


FOLDER = Format(
    (),
    "timm",
    _write,
    _read,
    _usage,
    readers="timm and the Hugging Face hub",
    check=_refuse_other_folders,
    files=_files,
    card=_card,
)
