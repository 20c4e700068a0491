"""Reads an image file into a square tensor, and refuses what is not a whole image.

Pillow decodes. If an image is at least twice as large as needed, libjpeg scales it down while decoding. torch
resizes: on 8-bit pixels it gives the same picture as Pillow, and is faster.
"""

from __future__ import annotations

from typing import IO

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ssltoolbox.data.images.files import Extent, opened, upright_rgb


def read_image(path: str, size: int, content: IO[bytes] | None = None) -> tuple[Tensor, Extent]:
    """[3, size, size] uint8 RGB, upright after EXIF orientation, and the extent of what was stored.

    An image that is not square is stretched, so that nothing of it is lost. Transparency is put on black;
    16-bit grey is scaled to 8 bits.

    Args:
        path: the file; only its name for messages where there is `content`.
        size: height and width to resize to.
        content: an open file to read from.

    Raises:
        UnreadableFrame: `path: reason`, for all but whole images of `FORMATS` with at most `MAX_PIXELS`.
    """
    with opened(path, size, content) as (image, extent):
        pixels = torch.from_numpy(np.array(upright_rgb(image))).permute(2, 0, 1)
    return resized(pixels, size), extent


def resized(pixels: Tensor, size: int) -> Tensor:
    """[3, H, W] uint8 → [3, size, size]."""
    if pixels.shape[1:] == (size, size):
        return pixels
    return F.interpolate(pixels[None], (size, size), mode="bilinear", antialias=True)[0]
