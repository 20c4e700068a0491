"""A plugin file with landmark detectors that take red rectangles for faces.

The 68 points lie on the rectangle's diagonal, from the centre of its first pixel to that of its last.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import Field
from scipy import ndimage

from ssltoolbox.api import Descriptor, Options, hookimpl


class SpotOptions(Options):
    """How spots are found."""

    seconds: float = 0.0
    """How long to wait in each image."""
    log: Path | None = Field(default=None, strict=False)
    """A file that gets the number of the process, once for each detector that is made, and a dot for an image."""
    flat: bool = False
    """Give points of a wrong shape."""


@hookimpl
def ssltoolbox_landmark_detectors() -> Iterator[Descriptor]:
    for name, target in (("spots", "Spots"), ("one_spot", "OneSpot")):
        yield Descriptor(
            name=name,
            summary="Takes red rectangles for faces.",
            options=SpotOptions,
            target=f"{__name__}:{target}",
            api=1,
        )


class OneSpot:
    """Follows `ssltoolbox.api.LandmarkDetector`."""

    def __init__(self, options: SpotOptions) -> None:
        self.options = options
        self._log(f"{os.getpid()}\n")

    def detect(self, image: np.ndarray) -> np.ndarray | None:
        """The points of the largest red rectangle."""
        time.sleep(self.options.seconds)
        self._log(".\n")
        refuse_green(image)
        faces = red_rectangles(image)
        if self.options.flat:
            return np.zeros((5, 2), dtype=np.float32)
        return faces[0] if faces else None

    def _log(self, text: str) -> None:
        if self.options.log:
            with self.options.log.open("a") as file:
                file.write(text)


class Spots(OneSpot):
    """Follows `ssltoolbox.api.MultiFaceDetector`."""

    def faces(self, image: np.ndarray) -> list[np.ndarray]:
        """The points of each red rectangle, the largest first."""
        refuse_green(image)
        return red_rectangles(image)


def refuse_green(image: np.ndarray) -> None:
    """Fails on an image that is green in its first corner."""
    if image[0, 0, 1] > 200 and image[0, 0, 0] < 50:
        raise ValueError("green is too much")


def red_rectangles(image: np.ndarray) -> list[np.ndarray]:
    """[H, W, 3] → [68, 2] for each region of red pixels; specks are passed over."""
    red = (image[..., 0] > 150) & (image[..., 1] < 90) & (image[..., 2] < 90)
    regions = ndimage.find_objects(ndimage.label(red)[0])
    corners = [(columns.start, rows.start, columns.stop - 1, rows.stop - 1) for rows, columns in regions]
    corners.sort(key=lambda c: ((c[0] - c[2]) * (c[3] - c[1]), c))
    return [
        np.linspace((left, top), (right, bottom), 68, dtype=np.float32)
        for left, top, right, bottom in corners
        if min(right - left, bottom - top) >= 4
    ]
