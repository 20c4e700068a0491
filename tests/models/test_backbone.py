"""timm's models by name: features, stems, sizes, weights, and what is refused."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from helpers.golden import Golden

from ssltoolbox.api import UserError
from ssltoolbox.models import (
    create_backbone,
    feature_dim,
    forward_flops,
    load_weights,
    save_weights,
    unseen_border,
)


@pytest.mark.parametrize(
    "name", ["test_byobnet", "test_resnet", "test_vit", "test_convnext", "test_efficientnet", "test_nfnet"]
)
@pytest.mark.parametrize("size", [48, 64])
def test_a_backbone_gives_pooled_features(name: str, size: int) -> None:
    backbone = create_backbone(name, image_size=size)
    images = torch.randn(2, 3, size, size)
    assert backbone(images).shape == (2, feature_dim(backbone, size))
    assert backbone.training


def test_flops_grow_with_the_pixels() -> None:
    backbone = create_backbone("resnet18", image_size=64)
    assert forward_flops(backbone, 128) == pytest.approx(4 * forward_flops(backbone, 64), rel=0.01)
    assert forward_flops(backbone, 224) == pytest.approx(2 * 1.82e9, rel=0.01)
    assert backbone.training


def test_small_stem_keeps_the_resolution() -> None:
    torch.manual_seed(0)
    small = create_backbone("resnet18", stem="small", image_size=32)
    assert small.conv1.stride == (1, 1)
    assert small.forward_features(torch.randn(1, 3, 32, 32)).shape[-2:] == (4, 4)
    assert feature_dim(small, 32) == 512


@pytest.mark.parametrize("name", ["resnet18", "test_byobnet"])
def test_without_pooling_the_last_map_is_the_features(name: str) -> None:
    flat, pooled = (
        create_backbone(name, options={"global_pool": kind}, image_size=64) for kind in ("", "avg")
    )
    flat.load_state_dict(pooled.state_dict())
    images = torch.randn(2, 3, 64, 64)
    features, means = flat.eval()(images), pooled.eval()(images)
    assert features.shape == (2, feature_dim(flat, 64)) == (2, 4 * means.shape[1])
    torch.testing.assert_close(features.unflatten(1, (-1, 4)).mean(2), means)


@pytest.mark.parametrize("name", ["test_vit", "convnext_atto"])
def test_a_network_whose_last_map_cannot_be_features_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="remove global_pool"):
        create_backbone(name, options={"global_pool": ""}, image_size=64)


def test_options_reach_timm() -> None:
    narrow = create_backbone("test_vit", image_size=32, options={"depth": 1})
    assert len(narrow.blocks) == 1


def test_weights_round_trip(tmp_path: Path) -> None:
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


def test_a_classifier_head_in_the_file_is_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    backbone = create_backbone("test_byobnet")
    state = {**backbone.state_dict(), "head.fc.weight": torch.zeros(10, 32)}
    safetensors.torch.save_file(state, path)
    loaded = create_backbone("test_byobnet")
    load_weights(loaded, path)
    for key, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, state[key]), key


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"name": "resnet81"}, r"timm has no model 'resnet81'; did you mean 'resnet\d+"),
        (
            {"name": "test_vit", "stem": "small"},
            r"backbone 'test_vit' has no 7×7 stem .* write stem: standard",
        ),
        ({"name": "test_vit", "options": {"depht": 1}}, r"^backbone\.options: .*'test_vit'.*depht: 1"),
        ({"name": "test_vit", "options": {"num_heads": 7}}, r"^backbone\.options: .*num_heads: 7"),
        ({"name": "resnet18", "options": {"act_layer": "nope"}}, r"^backbone\.options: .*act_layer: 'nope'"),
        ({"name": "resnet18", "options": {"num_classes": 3}}, r"^backbone\.options: .*num_classes: 3"),
        (
            {"name": "resnet18.a2_in"},
            r"^backbone\.name: .*'a2_in'.*a1_in1k.*did you mean 'resnet18\.a2_in1k'",
        ),
        ({"name": "hf-hub:timm/resnet18.a1_in1k"}, r"^backbone\.name: 'hf-hub:timm/resnet18.a1_in1k'"),
        ({"name": "xcit_nano_12_p16_224"}, r"^backbone\.name: .*img_size: 40.*views\.size"),
        ({"name": "test_vit", "weights": "/nowhere.safetensors"}, "no weights at /nowhere.safetensors"),
    ],
)
def test_backbones_that_cannot_be_made_are_refused(
    keywords: dict[str, dict[str, int] | str] | dict[str, dict[str, str] | str] | dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        create_backbone(**keywords, image_size=40)


def test_weights_of_another_model(tmp_path: Path, golden: Golden) -> None:
    path = tmp_path / "weights.safetensors"
    save_weights(create_backbone("test_resnet"), path)
    with pytest.raises(UserError, match=str(path)):
        load_weights(create_backbone("test_byobnet"), path)
    path.write_bytes(b"\x80\x04 a pickle")
    with pytest.raises(UserError) as caught:
        load_weights(create_backbone("test_byobnet"), path)
    text, _, the_librarys = str(caught.value).partition(": ")
    assert the_librarys
    golden(text)


def test_a_size_that_the_model_refuses() -> None:
    backbone = create_backbone("test_vit", image_size=48)
    with pytest.raises(UserError, match=r"40×40.*Input height"):
        feature_dim(backbone, 40)


@pytest.mark.parametrize("options", [{"layers": [1, 1]}, {"features_only": True}])
def test_what_gives_no_pooled_features(options: dict[str, bool] | dict[str, list[int]]) -> None:
    with pytest.raises(UserError, match="the backbone"):
        feature_dim(create_backbone("resnet18", options=options), 48)


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [
        ("vit_tiny_patch16_224", 40, ("32×32 of 40×40", "64%", "32 or 48")),
        ("convnext_atto", 50, ("48×48 of 50×50", "92%", "48 or 52")),
        ("vit_tiny_patch16_224", 48, ()),
        ("resnet18", 50, ()),
        ("test_byobnet", 50, ()),
    ],
)
def test_a_border_that_the_backbone_drops(name: str, size: int, told: tuple[str, ...]) -> None:
    """Pixels of that border change nothing."""
    torch.manual_seed(0)
    backbone = create_backbone(name, image_size=size).eval()
    line = unseen_border(backbone, size)
    assert bool(line) == bool(told)
    assert all(part in line for part in told)
    images = torch.randn(1, 3, size, size)
    changed = images.clone()
    changed[..., -1] = 9.0
    assert torch.equal(backbone(images), backbone(changed)) or not told


def test_patches_that_are_padded_drop_nothing() -> None:
    backbone = create_backbone("vit_tiny_patch16_224", image_size=40, options={"dynamic_img_pad": True})
    assert unseen_border(backbone, 40) == ""
