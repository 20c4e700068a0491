"""Images with labels of your own."""

from __future__ import annotations

import math
import os

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.api import Split, UnreadableFrame
from ssltoolbox.data.labelled.own.options import LabelledOptions
from ssltoolbox.data.labelled.stills import Still, Stills, read_box
from ssltoolbox.support.paths import Root, printable


class Labelled(Stills):
    """Follows `ssltoolbox.api.LabelledDataset`: labels are known without reading images."""

    def __init__(self, options: LabelledOptions, split: Split) -> None:
        """
        Raises:
            DataNotFound, UserError: see `LabelledOptions.listing`.
        """
        self.size = options.size
        self._listed = options.listing(split)
        self._root = Root(self._listed.root)

    def __len__(self) -> int:
        return len(self._listed.paths)

    def name(self, index: int) -> str:
        """Its path below the root."""
        return printable(self._listed.paths[index])

    def identity(self, index: int) -> int:
        """The number of the person among all of the table."""
        return int(self._listed.identities[index])

    def labels(self, index: int) -> dict[str, np.ndarray]:
        """Label → [1] of an image."""
        return {name: values[index : index + 1] for name, values in self._listed.labels.items()}

    def still(self, index: int) -> Still:
        """The whole image."""
        path = os.path.join(self._listed.root, self._listed.paths[index])
        if not self._root.holds(path):
            raise UnreadableFrame(f"{printable(path)}: this link leads out of {printable(self._listed.root)}")
        labels = {name: values[index].item() for name, values in self._listed.labels.items()}
        return Still(read_box(path, None, self.size)[0], labels=labels)

    def _no_labels(self, count: int) -> dict[str, Tensor]:
        return {
            name: torch.full((count,), -1) if values.dtype.kind == "i" else torch.full((count,), math.nan)
            for name, values in self._listed.labels.items()
        }
