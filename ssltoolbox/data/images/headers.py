"""Opens image files without decoding them: what they are, how large, and why one is no use. Free of torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

from PIL import ExifTags, Image, UnidentifiedImageError

from ssltoolbox.api import UnreadableFrame
from ssltoolbox.support.paths import printable

MAX_PIXELS = 64_000_000
"""Larger images are refused by their header, before memory is set aside for them."""

_SIDEWAYS = (5, 6, 7, 8)


class Extent(NamedTuple):
    """Width and height in stored pixels, of the upright image, that a resized image stands for.

    A pixel or so more than the stored image where libjpeg's scaling completed a last block.
    """

    width: int
    height: int


def read_extent(path: str, size: int | None = None) -> Extent:
    """The extent that `read_image` would give at that size, or what is stored, from the header alone.

    Raises:
        UnreadableFrame: where the header can't be read.
    """
    with opened(path, size) as (_, extent):
        return extent


@contextmanager
def opened(
    path: str, size: int | None, content: IO[bytes] | None = None
) -> Iterator[tuple[Image.Image, Extent]]:
    """The image, its pixels not decoded yet, and its extent; what Pillow raises becomes `UnreadableFrame`.

    Args:
        path: the file; only its name for messages where there is `content`.
        size: what the image is wanted for; libjpeg may scale down towards it. None for no scaling.
        content: an open file to read from.
    """
    try:
        with Image.open(content or path, formats=("JPEG", "PNG")) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise Image.DecompressionBombError
            drafted = image.draft("RGB", (size, size)) if size else None
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
