"""Maps MediaPipe's 478 points to the 68 of iBUG."""

import numpy as np

JAW = (127, 227, 177, 215, 138, 136, 149, 148, 152, 377, 378, 365, 397, 435, 401, 454, 356)
BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
NOSE = (168, 197, 195, 4, 75, 97, 2, 326, 305)
EYES = (33, 160, 158, 155, 153, 144, 382, 385, 387, 263, 373, 380)
OUTER_LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 91)
INNER_LIPS = (78, 82, 13, 312, 308, 317, 14, 87)

IBUG_68 = np.array(JAW + BROWS + NOSE + EYES + OUTER_LIPS + INNER_LIPS)
"""[68] the mesh's vertices that lie nearest to dlib's points on real faces; the README has the distances."""


def to_ibug(mesh: np.ndarray, width: int, height: int) -> np.ndarray:
    """[478, 2] points as fractions of the image → [68, 2] float32 pixels.

    Whole numbers are the centres of pixels, while MediaPipe counts from the edge of the first one.
    """
    return (mesh[IBUG_68] * (width, height) - 0.5).astype(np.float32)
