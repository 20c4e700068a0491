"""The images of a packed index, as they are stored: encoded once, decoded at every read."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ssltoolbox.api import UnreadableFrame
from ssltoolbox.data.images.files import Extent
from ssltoolbox.data.images.tensors import read_image, resized
from ssltoolbox.data.index.schema import Packing


def packed(image: Tensor, packing: Packing) -> bytes:
    """[3, size, size] uint8 RGB → what is stored of it."""
    pixels = image.numpy()
    if packing.encoding == "raw":
        return pixels.tobytes()
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(
        content, format="JPEG", quality=packing.quality
    )
    return content.getvalue()


def unpacked(content: bytes, packing: Packing, size: int, name: str) -> tuple[Tensor, Extent]:
    """[3, size, size] uint8 RGB, and the extent of what was stored.

    Raises:
        UnreadableFrame: where it is damaged.
    """
    if packing.encoding == "jpeg":
        return read_image(name, size, io.BytesIO(content))
    shape = (3, packing.size, packing.size)
    if len(content) != np.prod(shape):
        raise UnreadableFrame(f"{name}: cut short")
    pixels = torch.frombuffer(bytearray(content), dtype=torch.uint8).view(shape)
    return resized(pixels, size), Extent(packing.size, packing.size)
