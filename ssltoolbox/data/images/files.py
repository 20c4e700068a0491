"""Opens and decodes image files, without torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ssltoolbox.api import UnreadableFrame
from ssltoolbox.api.errors import one_of
from ssltoolbox.support.paths import printable

MAX_PIXELS = 64_000_000
"""Larger images are rejected by their header, before memory is allocated."""

FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
}
"""Pillow's name of a format → file name endings. The content of a file decides its format."""

_SIDEWAYS = (5, 6, 7, 8)


class Extent(NamedTuple):
    """Width and height of the upright image in stored pixels.

    It may be about a pixel larger than the stored image, if libjpeg's scaling completed the last block.
    """

    width: int
    height: int


def read_extent(path: str, size: int | None = None, content: IO[bytes] | None = None) -> Extent:
    """The extent that `read_image` would give at that size, or what is stored, from the header alone.

    Raises:
        UnreadableFrame: where the header can't be read.
    """
    with opened(path, size, content) as (_, extent):
        return extent


@contextmanager
def opened(
    path: str, size: int | None, content: IO[bytes] | None = None
) -> Iterator[tuple[Image.Image, Extent]]:
    """The image, its pixels not decoded yet, and its extent; what Pillow raises becomes `UnreadableFrame`.

    Args:
        path: the file; only its name for messages where there is `content`.
        size: the size that the image is resized to later; libjpeg may scale down towards it. None for no scaling.
        content: an open file to read from.
    """
    try:
        # Pillow maps files that it opens itself, and then garbles an uncompressed TIFF that is rotated.
        with ExitStack() as stack:
            file = content or stack.enter_context(open(path, "rb"))
            image = stack.enter_context(Image.open(file, formats=tuple(FORMATS)))
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise Image.DecompressionBombError
            drafted = image.draft("RGB", (size, size)) if size else None
            scale = round(width / drafted[1][2]) if drafted else 1
            extent = Extent(image.width * scale, image.height * scale)
            if image.getexif().get(ExifTags.Base.Orientation) in _SIDEWAYS:
                extent = _turned(image, extent)
            yield image, extent
    # Pillow's parsers raise many kinds of exception on damaged input: struct.error, SyntaxError, …
    except Exception as error:
        raise UnreadableFrame(f"{printable(path)}: {_reason(error)}") from error


def read_pixels(path: str, content: IO[bytes] | None = None) -> np.ndarray:
    """[H, W, 3] uint8 RGB of a stored image, in its own size, upright after EXIF orientation.

    Args:
        path: the file; only its name for messages where there is `content`.
        content: an open file to read from.

    Raises:
        UnreadableFrame: `path: reason`, for all but whole images of `FORMATS` with at most `MAX_PIXELS`.
    """
    with opened(path, None, content) as (image, _):
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


def _turned(image: Image.Image, extent: Extent) -> Extent:
    """The extent of an image whose EXIF orientation turns it on its side."""
    if image.format == "TIFF":
        image.load()  # Pillow turns a TIFF itself
        return Extent(*image.size)
    return Extent(extent.height, extent.width)


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return f"empty, or not a {one_of(FORMATS)} image"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"more than {MAX_PIXELS // 1_000_000} million pixels"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
