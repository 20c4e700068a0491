"""The task. The engine computes the features."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ssltoolbox.api import Features, Split, UserError
from ssltoolbox_nearest_frame import NearestFrameOptions


class NearestFrame:
    """Finds the training frame with the most similar features, by their cosine."""

    def __init__(self, options: NearestFrameOptions) -> None:
        self.options = options

    def evaluate(self, features: Mapping[Split, Features]) -> dict[str, dict[str, float]]:
        """`{"nearest_frame": {"accuracy": …}}`, over the test frames that have the label.

        Raises:
            UserError: if no frame of a split has the label.
        """
        train, test = (self._labelled(features[split], split) for split in ("train", "test"))
        nearest = (_unit(test[0]) @ _unit(train[0]).T).argmax(axis=1)
        return {"nearest_frame": {"accuracy": float((train[1][nearest] == test[1]).mean())}}

    def _labelled(self, features: Features, split: str) -> tuple[np.ndarray, np.ndarray]:
        labels = features.labels.get(self.options.label, np.full(len(features), -1))
        known = labels >= 0
        if not known.any():
            raise UserError(
                f"nearest_frame: no frame of the {split} split has a label {self.options.label!r}"
            )
        return features.values[known], labels[known]


def _unit(values: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.maximum(length, np.finfo(values.dtype).tiny)
