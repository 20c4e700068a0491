"""Weights of a transformer at another image size."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import nn

from ssltoolbox.api import Backbone, UserError
from ssltoolbox.models import create_backbone, load_weights, match_weights, save_weights


def saved(path: Path, name: str, size: int, **options: Any) -> Backbone:
    torch.manual_seed(0)
    backbone = create_backbone(name, image_size=size, options=options)
    with torch.no_grad():
        for key, tensor in backbone.state_dict().items():
            if tensor.is_floating_point():
                tensor.normal_(generator=torch.Generator().manual_seed(len(key)))
    save_weights(backbone, path)
    return backbone


def as_of_a_classifier(state: dict[str, torch.Tensor], model: nn.Module) -> dict[str, torch.Tensor]:
    """timm's own conversion, which takes a Swin without a classifier for one of the original release."""
    convert = import_module(type(model).__module__).checkpoint_filter_fn
    converted = convert({**state, "head.fc.weight": torch.zeros(1)}, model)
    return {key: tensor for key, tensor in converted.items() if key in state}


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("vit_tiny_patch16_224", (48, 80)),
        ("deit_tiny_distilled_patch16_224", (80, 48)),
        ("swin_tiny_patch4_window7_224", (224, 96)),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning:timm")
def test_position_embeddings_are_resampled_as_timm_does(
    name: str, sizes: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "weights.safetensors"
    saved(path, name, sizes[0])
    ours = create_backbone(name, image_size=sizes[1])
    found = load_weights(ours, path)
    theirs = timm.create_model(name, num_classes=0, img_size=sizes[1])
    timm.models.load_checkpoint(theirs, str(path), filter_fn=as_of_a_classifier)
    assert found.complete
    assert found.resampled
    for key, tensor in theirs.state_dict().items():
        assert torch.equal(tensor, ours.state_dict()[key]), key


def test_resampled_positions_are_known_and_reported_before_loading(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    saved(path, "test_vit", 48)
    with torch.device("meta"):
        network = create_backbone("test_vit", image_size=80)
    found = match_weights(network, path)
    assert found.complete
    assert "resampled" in str(found)
    assert "pos_embed" in str(found)


def test_the_same_size_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    theirs = saved(path, "test_vit", 48)
    ours = create_backbone("test_vit", image_size=48)
    assert load_weights(ours, path).resampled == ()
    assert torch.equal(ours.pos_embed, theirs.pos_embed)


@pytest.mark.parametrize(
    ("name", "options"), [("test_vit", {"embed_dim": 32}), ("vit_tiny_patch16_224", {"patch_size": 8})]
)
def test_another_network_is_still_another(name: str, options: dict[str, int], tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    saved(path, name, 48, **options)
    with pytest.raises(UserError, match="another"):
        load_weights(create_backbone(name, image_size=80), path, allow_partial=False)


def test_positions_that_form_no_square(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    state = create_backbone("test_vit", image_size=48).state_dict()
    state["pos_embed"] = torch.zeros(1, 8, 64)
    torch.save(state, path)
    with pytest.raises(UserError, match="'pos_embed'"):
        load_weights(create_backbone("test_vit", image_size=80), path)
