"""The contracts of landmark detectors. A target is called as `Target(options)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np


@runtime_checkable
class LandmarkDetector(Protocol):
    """Finds the 68 iBUG landmarks of a face in an image.

    Each process makes its own detector, so it need not be picklable.

    Examples:
        >>> import numpy as np
        >>> from ssltoolbox.api import Options
        >>> class Centre:
        ...     def __init__(self, options):
        ...         pass
        ...     def detect(self, image):
        ...         middle = np.array(image.shape[1::-1], np.float32) / 2
        ...         return np.tile(middle, (68, 1)) if image.any() else None
        >>> detector = Centre(Options())
        >>> detector.detect(np.zeros((40, 60, 3), np.uint8)) is None
        True
        >>> detector.detect(np.ones((40, 60, 3), np.uint8))[0].tolist()
        [30.0, 20.0]
    """

    def detect(self, image: np.ndarray) -> np.ndarray | None:
        """[H, W, 3] uint8 RGB → [68, 2] float32 x and y in pixels, or None if there is no face.

        If there are several faces, it finds the largest one. Whole numbers are the centres of pixels.
        """
        ...


@runtime_checkable
class MultiFaceDetector(LandmarkDetector, Protocol):
    """A landmark detector that can find several faces in one image.

    `ssltoolbox data extract` follows each of them; with a plain `LandmarkDetector` it follows one.
    """

    def faces(self, image: np.ndarray) -> Sequence[np.ndarray]:
        """[H, W, 3] uint8 RGB → [68, 2] float32 x and y in pixels, for each face, the largest first."""
        ...
