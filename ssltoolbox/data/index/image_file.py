"""`images.bin`: the images of a packed index, end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.data.index.schema import Packing


class ImageFile:
    """Reads stored images, row by row; no memory is kept for them.

    Attributes:
        packing: how they are stored.
    """

    def __init__(self, path: Path, packing: Packing, offsets: np.ndarray, lengths: np.ndarray) -> None:
        """
        Args:
            path: the file.
            packing: from the index's header.
            offsets, lengths: [frames] where each frame's bytes are.

        Raises:
            UserError: where the file can't be read, or is shorter than the index says.
        """
        try:
            self._file = pa.OSFile(str(path))
        except OSError as error:
            raise UserError(f"{path}: {first_line(error)}", "pack the index again") from error
        size = self._file.size()
        if (offsets < 0).any() or (lengths < 0).any() or (offsets > size - lengths).any():
            raise UserError(f"{path}: {size} bytes are fewer than the index says", "pack the index again")
        self.packing = packing
        self._offsets, self._lengths = offsets, lengths

    def read(self, row: int) -> bytes:
        """The bytes of a frame's image."""
        return self._file.read_at(int(self._lengths[row]), int(self._offsets[row]))
