"""Reads an image file into a square tensor, and refuses what is not a whole image.

Pillow decodes, with libjpeg's own scaling where an image is at least twice as large as needed; torch resizes,
which on 8-bit pixels gives the same picture as Pillow in a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional as F

from ssltoolbox.api import UnreadableFrame
from ssltoolbox.data.frames.naming import printable

MAX_PIXELS = 64_000_000
"""Larger images are refused by their header, before memory is set aside for them."""

_SIDEWAYS = (5, 6, 7, 8)


class Extent(NamedTuple):
    """Width and height in stored pixels, of the upright image, that a resized image stands for.

    A pixel or so more than the stored image where libjpeg's scaling completed a last block.
    """

    width: int
    height: int


def read_image(path: str, size: int) -> tuple[Tensor, Extent]:
    """[3, size, size] uint8 RGB, upright after EXIF orientation, and the extent of what was stored.

    An image that is not square is stretched, so that nothing of it is lost. Transparency is put on black;
    16-bit grey is scaled to 8 bits.

    Raises:
        UnreadableFrame: `path: reason`, for all but whole JPEG and PNG images of at most `MAX_PIXELS`.
    """
    with _opened(path, size) as (image, extent):
        ImageOps.exif_transpose(image, in_place=True)
        rgb = _to_rgb(image)
    pixels = torch.from_numpy(np.array(rgb)).permute(2, 0, 1)
    return _resized(pixels, size), extent


def read_extent(path: str, size: int) -> Extent:
    """The extent that `read_image` would give, from the header alone.

    Raises:
        UnreadableFrame: where the header can't be read.
    """
    with _opened(path, size) as (_, extent):
        return extent


@contextmanager
def _opened(path: str, size: int) -> Iterator[tuple[Image.Image, Extent]]:
    """The image, its pixels not decoded yet, and its extent; what Pillow raises becomes `UnreadableFrame`."""
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise Image.DecompressionBombError
            drafted = image.draft("RGB", (size, size))
            scale = round(width / drafted[1][2]) if drafted else 1
            extent = Extent(image.width * scale, image.height * scale)
            if image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS:
                extent = Extent(extent.height, extent.width)
            yield image, extent
    # Pillow's parsers raise many kinds of exception on damaged input: struct.error, SyntaxError, …
    except Exception as error:
        raise UnreadableFrame(f"{printable(path)}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "empty, or neither a JPEG nor a PNG image"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"more than {MAX_PIXELS // 1_000_000} million pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("RGB")
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA"):
        opaque = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(opaque, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _resized(pixels: Tensor, size: int) -> Tensor:
    if pixels.shape[1:] == (size, size):
        return pixels
    return F.interpolate(pixels[None], (size, size), mode="bilinear", antialias=True)[0]
