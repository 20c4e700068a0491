"""Finds the faces in a frame: on a reduced copy of it, with landmarks in pixels of the full frame."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ssltoolbox.api import LandmarkDetector, MultiFaceDetector, SslToolboxError
from ssltoolbox.api.errors import first_line
from ssltoolbox.data.images.landmarks import check_landmarks

LARGEST = 4
"""Faces larger than this many pictures are mistakes of the detector."""


class DetectorFailed(SslToolboxError):
    """A detector raised an error on a frame; the message has the error."""


def find_faces(detector: LandmarkDetector, image: np.ndarray, detect_size: int = 0) -> list[np.ndarray]:
    """The landmarks of each face of a plausible size.

    Args:
        detector: finds one face, unless it is a `MultiFaceDetector`.
        image: [H, W, 3] uint8 RGB.
        detect_size: the detector gets a copy whose shorter side has this many pixels, if the image is larger;
            0 gives it the image itself.

    Returns:
        [68, 2] float32 pixels of `image` for each face, in the detector's order.

    Raises:
        DetectorFailed: if the detector raises an error.
        UserError: if the detector does not give landmarks.
    """
    small = reduced(image, detect_size)
    found = _detected(detector, small)
    for points in found:
        check_landmarks(detector, points)
    if small is not image:
        found = [enlarged(points, small, image) for points in found]
    largest = LARGEST * max(image.shape)
    return [points for points in found if 1 <= np.ptp(points, axis=0).max() <= largest]


def reduced(image: np.ndarray, shorter_side: int) -> np.ndarray:
    """[H, W, 3] uint8 → a copy with that shorter side; the image itself if it is not larger, or the side is 0."""
    height, width, _ = image.shape
    if not shorter_side or min(height, width) <= shorter_side:
        return image
    factor = shorter_side / min(height, width)
    size = round(width * factor), round(height * factor)
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def enlarged(points: np.ndarray, small: np.ndarray, image: np.ndarray) -> np.ndarray:
    """[68, 2] pixels of a reduced copy → [68, 2] float32 pixels of the image.

    Whole numbers are the centres of pixels, so that the edges of both pictures lie at -0.5.
    """
    factors = np.array(image.shape[1::-1]) / np.array(small.shape[1::-1])
    return ((np.asarray(points) + 0.5) * factors - 0.5).astype(np.float32)


def _detected(detector: LandmarkDetector, image: np.ndarray) -> list[np.ndarray]:
    try:
        if isinstance(detector, MultiFaceDetector):
            return list(detector.faces(image))
        points = detector.detect(image)
    except SslToolboxError:
        raise
    except Exception as error:
        raise DetectorFailed(f"the detector failed: {type(error).__name__}: {first_line(error)}") from error
    return [] if points is None else [points]
