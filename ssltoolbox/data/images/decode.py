"""Decodes image files as they are stored. Free of torch."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from ssltoolbox.data.images.headers import opened


def read_pixels(path: str) -> np.ndarray:
    """[H, W, 3] uint8 RGB of a stored image, in its own size, upright after EXIF orientation.

    Raises:
        UnreadableFrame: `path: reason`, for all but whole JPEG and PNG images of at most `MAX_PIXELS`.
    """
    with opened(path, None) as (image, _):
        return np.array(upright_rgb(image))


def upright_rgb(image: Image.Image) -> Image.Image:
    """The image after EXIF orientation, in RGB.

    Transparency is put on black; 16-bit grey is scaled to 8 bits.
    """
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("RGB")
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA"):
        opaque = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(opaque, image.convert("RGBA")).convert("RGB")
    image.load()
    return image if image.mode == "RGB" else image.convert("RGB")
