"""Networks have the sizes of the published ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers.cycleface import SIZE
from ssltoolbox_cycleface import CycleFaceOptions, EncoderOptions
from ssltoolbox_cycleface.encoder import CodeHead, Encoder
from ssltoolbox_cycleface.field import FieldDecoder
from ssltoolbox_cycleface.generator import Generator
from ssltoolbox_cycleface.normaliser import Normaliser
from ssltoolbox_cycleface.trunk import Trunk, make_trunk
from torch import nn

from ssltoolbox.api import BackboneSetting, Setting, UserError
from ssltoolbox.models import save_weights

TO_RELU3_1 = 555_328
"""Parameters of VGG19 up to there."""


def size(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def encoder(width: int = 64) -> Encoder:
    return Encoder(EncoderOptions(width=width), BackboneSetting("cycleface_encoder", 64))


def test_networks_have_the_published_numbers_of_parameters() -> None:
    with torch.device("meta"):
        trunk = Trunk()
        convolutions, head = encoder(), CodeHead(2048, 256)
        assert size(convolutions) == 3_059_584
        assert size(convolutions) + size(head) == 4_240_000
        assert size(FieldDecoder(256, 256)) == 2_996_544
        assert size(trunk.features[:12]) == TO_RELU3_1
        generator, normaliser = Generator(trunk, 256), Normaliser(trunk, 256, 256)
        assert (size(generator), size(generator) + TO_RELU3_1) == (12_854_147, 13_409_475)
        assert (size(normaliser), size(normaliser) + TO_RELU3_1) == (9_458_947, 10_014_275)


@pytest.mark.parametrize(("pixels", "features"), [(64, 2048), (100, 6272), (112, 6272), (128, 8192)])
def test_features_of_the_encoder(pixels: int, features: int) -> None:
    """On the device "meta": shapes alone."""
    with torch.device("meta"):
        network = encoder()
        maps = network.conv1(torch.empty(1, 3, pixels, pixels))
        assert network(torch.empty(1, 3, pixels, pixels)).shape == (1, features)
    assert maps.shape[1:] == (64, pixels // 2, pixels // 2)


def test_the_trunk_gives_maps_of_the_published_sizes() -> None:
    with torch.device("meta"):
        images = torch.empty(2, 3, 64, 64)
        trunk = Trunk()
        maps = trunk(images)
        assert [tuple(each.shape[1:]) for each in maps] == [(128, 32, 32), (256, 16, 16)]
        assert trunk.style_maps(images)[2].shape[1:] == (512, 8, 8)
        field = FieldDecoder(256, 256)(torch.empty(2, 256, 1, 1))
        assert field.shape == (2, 2, 16, 16)
        assert Normaliser(trunk, 256, 256)(maps.deep, torch.empty(2, 256, 1, 1), "away").shape == images.shape
    trunk = Trunk(8)
    drawn = Generator(trunk, 8)(trunk(torch.zeros(1, 3, 64, 64)), torch.zeros(1, 2, 16, 16))
    assert drawn.shape == (1, 3, 64, 64)


def test_initial_weights_of_the_field() -> None:
    torch.manual_seed(0)
    decoder = FieldDecoder(32, 64)
    for module in decoder.end:
        if isinstance(module, nn.Conv2d):
            assert module.weight.std().item() == pytest.approx(0.05, rel=0.2)
    spread = (2 / (9 * 64)) ** 0.5
    assert decoder.start[4].weight.std().item() == pytest.approx(spread, rel=0.05)


def test_without_a_field_no_noise_is_drawn() -> None:
    torch.manual_seed(0)
    trunk = Trunk(8)
    generator = Generator(trunk, 8)
    maps, field = trunk(torch.randn(2, 3, SIZE, SIZE)), torch.zeros(2, 2, 16, 16)

    def drawn(seed: int, *given: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(seed)
        return generator(maps, *given)

    assert torch.equal(drawn(1), drawn(2))
    assert torch.equal(drawn(1, field), drawn(1, field))
    assert not torch.equal(drawn(1, field), drawn(2, field))
    quiet = Generator(trunk, 8, noise=False)
    assert torch.equal(quiet(maps, field), quiet(maps, field))


def test_a_trunk_of_a_file(tmp_path: Path) -> None:
    theirs = nn.Module()
    theirs.features = nn.Sequential(*Trunk().features, nn.Conv2d(512, 8, 1))
    save_weights(theirs, tmp_path / "vgg19.safetensors")
    trunk = make_trunk(tmp_path / "vgg19.safetensors", width=8)
    assert torch.equal(trunk.features[19].weight, theirs.features[19].weight)
    save_weights(Trunk(8), tmp_path / "narrow.safetensors")
    with pytest.raises(UserError, match=r"method\.trunk"):
        make_trunk(tmp_path / "narrow.safetensors", width=8)


def test_a_trunk_of_imagenet_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(name: str, weights: str) -> nn.Module:
        raise UserError("backbone.weights: timm's weights of 'vgg19' are not on this machine")

    monkeypatch.setattr("ssltoolbox_cycleface.trunk.create_backbone", refused)
    with pytest.raises(UserError, match=r"^method\.trunk: .*not on this machine.*trunk: random"):
        make_trunk("imagenet", width=8)


def test_weights_of_others_have_a_notice() -> None:
    assert ["licence" in notice for notice in CycleFaceOptions().notices()] == [True]
    assert list(CycleFaceOptions(trunk="random").notices()) == []


@pytest.mark.parametrize(("image_size", "problems"), [(64, 0), (48, 0), (50, 1), (8, 1)])
def test_cycleface_refuses_image_sizes_that_do_not_fit(image_size: int, problems: int) -> None:
    setting = Setting(None, instances=4, draws=4, hard_negatives=0, image_size=image_size)
    assert len(list(CycleFaceOptions().problems(setting))) == problems


def test_the_encoder_takes_no_local_crops() -> None:
    setting = Setting(None, instances=4, draws=4, hard_negatives=0, image_size=64, crop_size=32)
    assert [problem.hint for problem in EncoderOptions().problems(setting)] == ["write views.crops: 0"]
