"""The ResNet-18: its weights, what is refused, and that it stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from ssltoolbox_mask_fn import MaskFNOptions, network
from ssltoolbox_mask_fn.masker import MaskFN
from ssltoolbox_mask_fn.network import FrozenResNet18
from torch import nn

from ssltoolbox.api import Batch, UserError


@pytest.fixture(scope="session")
def crops() -> torch.Tensor:
    return torch.rand(3, 2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def refused(path: Path | str, *told: str) -> None:
    with pytest.raises(UserError) as caught:
        FrozenResNet18(path)
    assert [text for text in told if text not in str(caught.value)] == []


def test_features_are_those_of_timms_network(weights: Path, crops: torch.Tensor) -> None:
    """Both crops through the network, ImageNet-normalised, side by side."""
    network = timm.create_model("resnet18", num_classes=0).eval()
    network.load_state_dict({k: v for k, v in load_file(weights).items() if not k.startswith("fc.")})
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        eyes, mouth = (network((crops[:, part] - mean) / std) for part in range(2))
        described = FrozenResNet18(weights)(crops)
    torch.testing.assert_close(described, torch.cat([eyes, mouth], dim=1))


def test_a_pytorch_file_does_as_well(weights: Path, crops: torch.Tensor, tmp_path: Path) -> None:
    path = tmp_path / "resnet18.pth"
    state = {k: v for k, v in load_file(weights).items() if "num_batches_tracked" not in k}
    torch.save(state, path)
    assert torch.equal(FrozenResNet18(path)(crops), FrozenResNet18(weights)(crops))


def test_it_stays_as_it_was_in_whatever_trains_around_it(weights: Path, faces: Batch) -> None:
    class Module(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.learns = nn.Linear(2, 2)
            self.masker = MaskFN(MaskFNOptions(weights=weights))

    module = Module()
    before = module.masker.describe(faces)
    module.train()
    assert torch.equal(module.masker.describe(faces), before)
    assert torch.equal(module.masker.describe(faces), before)
    assert set(module.state_dict()) == {"learns.weight", "learns.bias"}
    assert len(list(module.parameters())) == 2
    assert not FrozenResNet18(weights)(torch.rand(1, 2, 3, 64, 64)).requires_grad


def test_missing_weights_are_an_error_with_their_path(tmp_path: Path) -> None:
    refused(tmp_path / "none.pth", f"no weights at {tmp_path / 'none.pth'}")


@pytest.mark.parametrize("name", ["damaged.safetensors", "damaged.pth"])
def test_damaged_weights_are_an_error_with_their_path(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"no weights at all")
    refused(path, "mask_fn", str(path), "damaged")


def test_a_file_that_would_run_code(tmp_path: Path) -> None:
    path = tmp_path / "pickled.pth"
    torch.save(nn.Linear(2, 2), path)
    refused(path, "mask_fn", str(path), "damaged")


def test_weights_of_another_network_are_an_error_with_the_tensors(tmp_path: Path, weights: Path) -> None:
    path = tmp_path / "other.safetensors"
    state = load_file(weights)
    del state["bn1.bias"]
    state["conv1.weight"] = torch.zeros(64, 3, 3, 3)
    save_file(state, path)
    refused(path, str(path), "no ResNet-18", "2 of 100 weights", "'bn1.bias'")


def test_no_way_to_download(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> nn.Module:
        raise OSError("no route to host")

    monkeypatch.setattr(network, "hub_failure", lambda _: None)
    monkeypatch.setattr(timm, "create_model", offline)
    refused("imagenet", "resnet18.tv_in1k", "weights: FILE", "descriptor: gradients")


def test_timm_is_not_called_where_the_hub_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Hub's client would try for most of a minute."""

    def called(*_: object, **__: object) -> nn.Module:
        raise AssertionError("timm was called")

    monkeypatch.setattr(network, "hub_failure", lambda _: OSError("no such host"))
    monkeypatch.setattr(timm, "create_model", called)
    refused("imagenet", "resnet18.tv_in1k", "connect this machine")
