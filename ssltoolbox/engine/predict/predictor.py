"""The predictions of several heads for the same images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.api import HeadOutput
from ssltoolbox.engine.predict.sources import PLACE_COLUMNS
from ssltoolbox.engine.runs.headed import HeadedNetwork
from ssltoolbox.models.devices import to_device


@dataclass(frozen=True)
class Shown:
    """An output of a head, under the names that it has in a table.

    Attributes:
        title: of the label; with the task's key where another column has that name.
        output: the label.
        columns: of its predictions.
    """

    title: str
    output: HeadOutput
    columns: tuple[str, ...]


def by_output(outputs: Sequence[Shown], values: np.ndarray) -> Iterator[tuple[Shown, np.ndarray]]:
    """Each label with its own predictions.

    Args:
        outputs: the labels.
        values: [..., C] the predictions of all labels.
    """
    ends = np.cumsum([len(shown.columns) for shown in outputs])[:-1]
    return zip(outputs, np.split(values, ends, axis=-1), strict=True)


class Predictor:
    """Computes the predictions of several heads on one device. A network that heads share runs once.

    Attributes:
        outputs: the labels, in the order of the heads.
        image_size: height and width of the images that the heads were fitted on, before the view; the largest.
    """

    def __init__(self, networks: Sequence[HeadedNetwork], device: torch.device) -> None:
        self.networks = [network.to(device) for network in networks]
        self.device = device
        self.image_size = max(network.card.image_size for network in networks)
        self.outputs = _shown(networks)
        self._views = [to_device(network.view, device) for network in networks]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the C predictions."""
        return tuple(column for shown in self.outputs for column in shown.columns)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> np.ndarray:
        """[B, 3, S, S] uint8 → [B, C] float32."""
        images = images.to(self.device)
        features: dict[tuple[int, int], Tensor] = {}
        found = []
        for network, view in zip(self.networks, self._views, strict=True):
            key = id(network.backbone), id(view)
            if key not in features:
                features[key] = network.backbone(view.plain(images))
            found.append(network.of_features(features[key]))
        predictions: np.ndarray = torch.cat(found, dim=1).float().cpu().numpy()
        return predictions


def _shown(networks: Sequence[HeadedNetwork]) -> tuple[Shown, ...]:
    labels = Counter(output.label for network in networks for output in network.card.outputs)
    labels.update(PLACE_COLUMNS)
    return tuple(
        _named(output, f"{network.card.task}." if labels[output.label] > 1 else "")
        for network in networks
        for output in network.card.outputs
    )


def _named(output: HeadOutput, prefix: str) -> Shown:
    columns = tuple(f"{prefix}{column}" for column in output.columns)
    return Shown(prefix + output.label, output, columns)
