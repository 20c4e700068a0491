"""The frozen ResNet-18 of the paper, and where its weights come from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import timm
import timm.models
from torch import Tensor, nn

from ssltoolbox.api import UserError, hub_failure

MODEL = "resnet18.tv_in1k"
"""timm's name for the ResNet-18 with torchvision's ImageNet weights."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class FrozenResNet18:
    """Pooled features of the crops.

    The network is not a submodule of any module. So it stays in eval mode, and is in no optimiser and no
    checkpoint. It is moved to the device of the crops.

    Raises:
        UserError: if the weights can't be loaded, or are not those of a ResNet-18.
    """

    def __init__(self, weights: Literal["imagenet"] | Path) -> None:
        network = _downloaded() if weights == "imagenet" else _loaded(weights)
        self._network = network.eval().requires_grad_(False)

    def __call__(self, crops: Tensor) -> Tensor:
        """[B, 2, 3, size, size] in 0 to 1 → [B, 1024]."""
        mean, std = (crops.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
        features: Tensor = self._network.to(crops.device)(((crops - mean) / std).flatten(0, 1))
        return features.unflatten(0, (-1, 2)).flatten(1)


def _downloaded() -> nn.Module:
    # The Hub's own client would try for a minute, with a warning each time.
    failure = hub_failure(f"timm/{MODEL}")
    if failure is None:
        try:
            network: nn.Module = timm.create_model(MODEL, pretrained=True, num_classes=0)
            return network
        except OSError as error:
            failure = error
    raise UserError(
        f"mask_fn can't download the ImageNet weights of {MODEL}",
        "connect this machine once, write the path of a file (weights: FILE), or choose a descriptor without "
        "weights (descriptor: gradients)",
    ) from failure


def _loaded(path: Path) -> nn.Module:
    """A ResNet-18, less its classifier, from a safetensors or PyTorch file with timm's names."""
    if not path.is_file():
        raise UserError(f"mask_fn finds no weights at {path}")
    network: nn.Module = timm.create_model(MODEL, pretrained=False, num_classes=0)
    try:
        state = timm.models.load_state_dict(str(path), weights_only=True)
    except Exception as error:  # torch and safetensors raise a dozen types for a damaged file
        raise UserError(
            f"mask_fn can't read the weights {path}: no safetensors or PyTorch file, or damaged"
        ) from error
    # Older files lack the counters of batch norm, which are of no use here.
    expected = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    wrong = sorted(key for key, value in expected.items() if _shape(state.get(key)) != value.shape)
    if wrong:
        raise UserError(
            f"{path} holds no ResNet-18: {len(wrong)} of {len(expected)} weights are missing or have another "
            f"shape, such as {wrong[0]!r}"
        )
    network.load_state_dict({key: state[key] for key in expected}, strict=False)
    return network


def _shape(value: object) -> object:
    return getattr(value, "shape", None)
