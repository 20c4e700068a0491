"""timm's models by name: features, stems, sizes, weights, and what is refused."""

import pytest
import safetensors.torch
import torch

from ssltoolbox.api import UserError
from ssltoolbox.models import create_backbone, feature_dim, forward_flops, load_weights, save_weights


@pytest.mark.parametrize(
    "name", ["test_byobnet", "test_resnet", "test_vit", "test_convnext", "test_efficientnet", "test_nfnet"]
)
@pytest.mark.parametrize("size", [48, 64])
def test_pooled_features(name, size):
    backbone = create_backbone(name, image_size=size)
    images = torch.randn(2, 3, size, size)
    assert backbone(images).shape == (2, feature_dim(backbone, size))
    assert backbone.training


def test_flops_grow_with_the_pixels():
    backbone = create_backbone("resnet18", image_size=64)
    assert forward_flops(backbone, 128) == pytest.approx(4 * forward_flops(backbone, 64), rel=0.01)
    assert forward_flops(backbone, 224) == pytest.approx(2 * 1.82e9, rel=0.01)
    assert backbone.training


def test_small_stem_keeps_the_resolution():
    torch.manual_seed(0)
    small = create_backbone("resnet18", stem="small", image_size=32)
    assert small.conv1.stride == (1, 1)
    assert small.forward_features(torch.randn(1, 3, 32, 32)).shape[-2:] == (4, 4)
    assert feature_dim(small, 32) == 512


def test_options_reach_timm():
    narrow = create_backbone("test_vit", image_size=32, options={"depth": 1})
    assert len(narrow.blocks) == 1


def test_weights_round_trip(tmp_path):
    path = tmp_path / "weights.safetensors"
    first, second = create_backbone("test_byobnet"), create_backbone("test_byobnet")
    save_weights(first, path)
    load_weights(second, path)
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )
    third = create_backbone("test_byobnet", weights=str(path))
    assert torch.equal(third.stem.conv.weight, first.stem.conv.weight)
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.safetensors"]


def test_a_classifier_head_in_the_file_is_no_hindrance(tmp_path):
    path = tmp_path / "weights.safetensors"
    backbone = create_backbone("test_byobnet")
    state = {**backbone.state_dict(), "head.fc.weight": torch.zeros(10, 32)}
    safetensors.torch.save_file(state, path)
    load_weights(create_backbone("test_byobnet"), path)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"name": "resnet81"}, r"timm has no model 'resnet81'; did you mean 'resnet\d+"),
        (
            {"name": "test_vit", "stem": "small"},
            r"backbone 'test_vit' has no 7×7 stem .* write stem: standard",
        ),
        (
            {"name": "test_vit", "options": {"depht": 1}},
            r"backbone 'test_vit' refuses its options \{'depht': 1",
        ),
        ({"name": "test_vit", "weights": "/nowhere.safetensors"}, "no weights at /nowhere.safetensors"),
    ],
)
def test_refused(keywords, message):
    with pytest.raises(UserError, match=message):
        create_backbone(**keywords, image_size=48)


def test_weights_of_another_model(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_weights(create_backbone("test_resnet"), path)
    with pytest.raises(UserError, match=r"nothing in .*weights.safetensors fits the network"):
        load_weights(create_backbone("test_byobnet"), path)
    path.write_bytes(b"\x80\x04 a pickle")
    with pytest.raises(UserError, match=r"weights.safetensors is no file of weights, or damaged"):
        load_weights(create_backbone("test_byobnet"), path)


def test_a_size_that_the_model_refuses():
    backbone = create_backbone("test_vit", image_size=48)
    with pytest.raises(UserError, match=r"the backbone can't take 40×40 images: Input height"):
        feature_dim(backbone, 40)
