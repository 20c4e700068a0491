"""Drawn faces, and a file of weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from ssltoolbox.api import Batch
from ssltoolbox.data.synthetic_faces.dataset import SyntheticFaces
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions


@pytest.fixture(scope="session")
def faces() -> Batch:
    """Eight draws of four frames, as with one hard negative; 48 pixels."""
    clips, times = torch.arange(8).repeat_interleave(4), torch.tensor([10, 40, 12, 42]).repeat(8)
    dataset = SyntheticFaces(SyntheticFacesOptions(), "train")
    read = dataset.read(clips.tolist(), times.tolist())
    draw = torch.arange(8)
    return Batch(
        frames=read.images.unflatten(0, (8, 4)),
        landmarks=read.landmarks.unflatten(0, (8, 4)),
        draw=draw,
        clip=draw[:, None].expand(8, 4),
        identity=draw[:, None].expand(8, 4),
        time=times.unflatten(0, (8, 4)).double(),
        labels={"expression": read.labels["expression"].unflatten(0, (8, 4))},
    )


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ResNet-18 with its classifier, as torchvision publishes it; random."""
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    torch.manual_seed(0)
    save_file(timm.create_model("resnet18").state_dict(), path)
    return path
