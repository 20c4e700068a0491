"""The contracts of landmark detectors. A target is called with its options, as parsed: `Target(options)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np


@runtime_checkable
class LandmarkDetector(Protocol):
    """Finds the 68 iBUG landmarks of a face in an image. Made once per process; need not be picklable.

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
        """[H, W, 3] uint8 RGB → [68, 2] float32 pixels, or None where there is no face.

        The largest face where there are several. Whole numbers are the centres of pixels.
        """
        ...


@runtime_checkable
class MultiFaceDetector(LandmarkDetector, Protocol):
    """A landmark detector that can find several faces in one image.

    `ssltoolbox data extract` follows each of them; with a plain `LandmarkDetector` it follows one.
    """

    def faces(self, image: np.ndarray) -> Sequence[np.ndarray]:
        """[H, W, 3] uint8 RGB → [68, 2] float32 pixels of each face, the largest first."""
        ...
