"""FER2013's grey faces with their expression."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.api import Split, UnreadableFrame
from ssltoolbox.data.images.tensors import resized
from ssltoolbox.data.labelled.fer2013.listing import CsvImages
from ssltoolbox.data.labelled.options import FER2013Options
from ssltoolbox.data.labelled.stills import Still, Stills, read_box
from ssltoolbox.support.paths import printable

SIDE = 48
"""Height and width of the images in the CSV file."""


class FER2013(Stills):
    """Either form; grey is repeated over the three channels."""

    def __init__(self, options: FER2013Options, split: Split) -> None:
        """
        Raises:
            DataNotFound, UserError: see `list_fer2013`.
        """
        self.size = options.size
        self._listed = options.listing(split)

    def __len__(self) -> int:
        return len(self._listed)

    def name(self, index: int) -> str:
        """The path below the folder, or the byte at which the line begins."""
        if isinstance(self._listed, CsvImages):
            return f"{self._listed.rows.path.name}, byte {self._listed.starts[index]}"
        return printable(self._listed.images[index])

    def still(self, index: int) -> Still:
        """The face."""
        labels = {"expression": int(self._listed.labels["expression"].values[index])}
        if isinstance(self._listed, CsvImages):
            return Still(self._of_row(self._listed, index), labels=labels)
        path = self._listed.folder / self._listed.images[index]
        return Still(read_box(str(path), None, self.size)[0], labels=labels)

    def _of_row(self, listed: CsvImages, index: int) -> Tensor:
        numbers = listed.rows.row(int(listed.starts[index])).get("pixels", "").split()
        try:
            pixels = _bytes(numbers)
        except (ValueError, OverflowError) as error:
            raise UnreadableFrame(f"{self.name(index)}: pixels are whole numbers from 0 to 255") from error
        if len(pixels) != SIDE**2:
            raise UnreadableFrame(
                f"{self.name(index)}: {SIDE**2} pixels are expected, there are {len(pixels)}"
            )
        grey = torch.from_numpy(pixels).view(1, SIDE, SIDE)
        return resized(grey.expand(3, SIDE, SIDE).contiguous(), self.size)

    def _no_labels(self, count: int) -> dict[str, Tensor]:
        return {"expression": torch.full((count,), -1)}


def _bytes(numbers: list[str]) -> np.ndarray:
    """
    Raises:
        ValueError, OverflowError: where one is not a whole number from 0 to 255.
    """
    values = np.array(numbers, np.int64)
    if ((values < 0) | (values > 255)).any():
        raise OverflowError
    return values.astype(np.uint8)
