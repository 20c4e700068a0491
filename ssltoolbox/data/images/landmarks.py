"""Reads `landmarks68.npy`: the 68 iBUG landmarks of a clip's frames."""

from __future__ import annotations

from typing import IO

import numpy as np
from numpy.lib.format import open_memmap, read_array

from ssltoolbox.api import LandmarkDetector, UserError
from ssltoolbox.data.images.files import Extent
from ssltoolbox.support.paths import printable


def read_landmarks(path: str, frames: int, content: IO[bytes] | None = None) -> np.ndarray:
    """[frames, 68, 2] float32: x and y in pixels of the stored frames, upright after EXIF orientation.

    If a value of a row is not finite, the whole row is NaN: that frame has no landmarks. Points outside of the
    image are kept. Pickled objects are never loaded.

    Args:
        path: an `.npy` file, one row for each frame of the clip in natural order.
        frames: how many frames the clip has.
        content: an open file to read from; `path` is then for messages.

    Raises:
        UserError: where the file can't be read, or holds anything else.
    """
    stored = _stored(path, content)
    expected = [frames, 68, 2]
    if stored.dtype.kind not in "fiu":
        raise _wrong(path, f"real numbers are expected, not {stored.dtype}")
    if list(stored.shape) != expected:
        found = list(stored.shape)
        raise _wrong(path, f"shape {expected} is expected, a row for each frame beside it; found {found}")
    with np.errstate(over="ignore"):
        points = np.array(stored, dtype=np.float32)
    points[~np.isfinite(points).all(axis=(1, 2))] = np.nan
    return points


def _stored(path: str, content: IO[bytes] | None) -> np.ndarray:
    """The array in a file. It is a memory map where possible, which allocates no memory for a wrong header."""
    try:
        return read_array(content, allow_pickle=False) if content else open_memmap(path, mode="r")
    except OSError as error:
        raise _wrong(path, error.strerror or str(error)) from error
    # numpy's parser of headers raises more than ValueError on damaged files: EOFError, SyntaxError, …
    except Exception as error:
        raise _wrong(path, "not a whole .npy file of plain numbers") from error


def _wrong(path: str, reason: str) -> UserError:
    return UserError(f"{printable(path)}: {reason}")


def check_landmarks(detector: LandmarkDetector, points: np.ndarray) -> None:
    """
    Raises:
        UserError: if the landmarks of a face are not [68, 2].
    """
    if np.shape(points) != (68, 2):
        shape = list(np.shape(points))
        raise UserError(f"{type(detector).__name__}.detect gave shape {shape}; [68, 2] is expected")


def scaled(points: np.ndarray, extent: Extent, size: int) -> np.ndarray:
    """[..., 2] points of an image of that extent, as points of the image resized to size × size.

    Whole numbers are the centres of pixels, as dlib and OpenCV have it, so an image's edge is at -0.5.

    >>> scaled(np.array([-0.5, 99.5]), Extent(100, 100), 50).tolist()
    [-0.5, 49.5]
    """
    return rescaled(points, np.array(extent), size)


def rescaled(points: np.ndarray, extents: np.ndarray, size: int) -> np.ndarray:
    """The same for points [..., 2] of images of extents [..., 2], widths and heights, that broadcast to them."""
    factor = (size / extents).astype(points.dtype)
    moved: np.ndarray = (points + 0.5) * factor - 0.5
    return moved
