"""Features from layers inside a network."""

import copy

import pytest
import torch
from helpers.golden import Golden
from torch import nn

from ssltoolbox.api import UserError
from ssltoolbox.models import create_backbone, feature_dim
from ssltoolbox.models.layers import from_layers, layer_names

IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def outputs(network: nn.Module, layers: list[str]) -> list[torch.Tensor]:
    """What the layers give in a pass of the whole network."""
    found: list[torch.Tensor] = []
    hooks = [
        network.get_submodule(layer).register_forward_hook(lambda _m, _i, output: found.append(output))
        for layer in layers
    ]
    network(IMAGES)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("layers", [["layer2"], ["layer3", "layer4"]])
def test_features_are_the_outputs_of_the_layers(layers: list[str], flat: bool) -> None:
    network = create_backbone("resnet10t", image_size=64, options={"channels": [4, 8, 8, 16]}).eval()
    maps = outputs(network, layers)
    expected = torch.cat([each.flatten(1) if flat else each.mean((2, 3)) for each in maps], dim=1)
    torch.testing.assert_close(from_layers(network, layers, 64, flat)(IMAGES), expected)
    assert feature_dim(network, 64) == expected.shape[1]


def test_a_block_of_a_transformer_gives_the_mean_of_its_patches() -> None:
    network = create_backbone("test_vit", image_size=64).eval()
    last = layer_names(network)[-1]
    (tokens,) = outputs(network, [last])
    expected = network.norm(tokens)[:, network.num_prefix_tokens :].mean(1)
    torch.testing.assert_close(from_layers(network, [last], 64)(IMAGES), expected)


def test_layers_are_in_the_order_of_the_network_and_once() -> None:
    network = create_backbone("test_resnet", image_size=64).eval()
    first, again = (
        from_layers(copy.deepcopy(network), layers, 64)
        for layers in (["layer2", "layer3"], ["layer3"] * 2 + ["layer2"])
    )
    torch.testing.assert_close(first(IMAGES), again(IMAGES))


def test_a_copy_shares_tensors_and_leaves_the_network_as_it_is() -> None:
    network = create_backbone("test_resnet", image_size=64)
    network.layer3.eval()
    features = network.forward_features(IMAGES).shape
    part = from_layers(copy.copy(network), ["layer1"], 64)
    assert part.layer1[0].conv1.weight is network.layer1[0].conv1.weight
    assert network.forward_features(IMAGES).shape == features
    assert network(IMAGES).shape[1] != part(IMAGES).shape[1]
    assert network.training
    assert network.layer1.training
    assert not network.layer3.training
    part(IMAGES).sum().backward()
    assert network.layer1[0].conv1.weight.grad is not None
    torch.testing.assert_close(copy.deepcopy(part).eval()(IMAGES), part.eval()(IMAGES))


def test_the_names_and_tensors_stay() -> None:
    network = create_backbone("test_resnet", image_size=64)
    before = list(network.state_dict())
    assert list(from_layers(network, ["layer1"], 64).state_dict()) == before


@pytest.mark.parametrize(
    ("name", "layers"),
    [("test_resnet", ["layer5"]), ("test_resnet", ["layer3", "fc"]), ("test_vit", ["norm"])],
)
def test_unknown_layers_are_refused(name: str, layers: list[str], golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        from_layers(create_backbone(name, image_size=64), layers, 64)
    golden(str(caught.value))


def test_a_network_without_named_layers_is_refused(golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        from_layers(nn.Sequential(nn.Flatten(), nn.LazyLinear(2)), ["0"], 64)
    golden(str(caught.value))
