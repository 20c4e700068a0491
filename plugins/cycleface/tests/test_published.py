"""Weights of published checkpoints, made on the spot in their layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
import torch
import torch.nn.functional as F
from ssltoolbox_cycleface import EncoderOptions
from ssltoolbox_cycleface.encoder import Encoder
from torch import Tensor

from ssltoolbox.api import BackboneSetting, UserError
from ssltoolbox.models import load_weights

Branch = Literal["exp", "pose"]


def encoder(branch: Branch | None = None, seed: int = 0) -> Encoder:
    torch.manual_seed(seed)
    return Encoder(EncoderOptions(width=8, branch=branch), BackboneSetting("cycleface_encoder", 32)).eval()


def saved(content: object, folder: Path) -> Path:
    path = folder / "published.tar"
    torch.save(content, path)
    return path


def facecycle(network: Encoder) -> dict[str, dict[str, Tensor]]:
    """As `train_expression.py` saves it. The field decoder has residual blocks of the same names and shapes."""
    code = {"expresscode.0.weight": torch.zeros(4, 16), "expresscode.2.bias": torch.zeros(2)}
    decoder = {
        key: torch.zeros_like(tensor)
        for key, tensor in network.state_dict().items()
        if key.startswith("resblock")
    }
    return {"codegeneration": network.state_dict() | code, "exptoflow": decoder, "Swap_Generator": {}}


def pcl(expression: Encoder, pose: Encoder) -> dict[str, dict[str, Tensor]]:
    """As `main.py` saves it: what both branches have in common is of the first encoder."""
    state = {
        f"module.encoder.{key.replace('layer3_2.', 'layer3_2_exp.')}": tensor
        for key, tensor in expression.state_dict().items()
    }
    state |= {
        f"module.encoder.{key.replace('layer3_2.', 'layer3_2_pose.')}": tensor
        for key, tensor in pose.state_dict().items()
        if key.startswith("layer3_2.")
    }
    return {"state_dict": state | {"module.exp_fc.0.weight": torch.zeros(2, 2)}}


def test_the_encoder_of_facecycle(tmp_path: Path) -> None:
    theirs, ours = encoder(), encoder(seed=1)
    found = load_weights(ours, saved(facecycle(theirs), tmp_path))
    assert (found.complete, found.prefix) == (True, "codegeneration.")
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(ours(images), theirs(images))


@pytest.mark.parametrize("branch", ["exp", "pose"])
def test_a_branch_of_pcl(branch: Branch, tmp_path: Path) -> None:
    expression, pose = encoder("exp"), encoder("pose", seed=1)
    ours = encoder(branch, seed=2)
    found = load_weights(ours, saved(pcl(expression, pose), tmp_path))
    assert (found.complete, found.prefix) == (True, "encoder.")
    images = torch.randn(2, 3, 32, 32)
    maps = expression.layer2_2(expression.resblock2(expression.resblock1(shared(expression, images))))
    maps = expression.layer3_1(maps)
    last = (expression if branch == "exp" else pose).layer3_2
    for convolution in (last[0], last[2]):
        maps = F.leaky_relu(F.conv2d(maps, convolution.weight, convolution.bias, padding=1), 0.1)
    torch.testing.assert_close(ours(images), maps.flatten(1))


def shared(network: Encoder, images: Tensor) -> Tensor:
    """What comes before the branches, of normalised images: PCL sees colours from 0 to 1."""
    mean, std = (
        torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    images = images * std + mean
    maps: Tensor = network.layer2_1(network.layer1(network.conv1(images)))
    return maps


def test_pcl_needs_a_branch(tmp_path: Path) -> None:
    path = saved(pcl(encoder("exp"), encoder("pose")), tmp_path)
    with pytest.raises(UserError, match="of another model"):
        load_weights(encoder(), path)
