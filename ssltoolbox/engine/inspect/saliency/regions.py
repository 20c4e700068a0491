"""The regions of a face that show expressions, from its 68 landmarks, and their share of the saliency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

OUTLINES: Mapping[str, tuple[slice, ...]] = {
    "eyes": (slice(36, 42), slice(42, 48)),
    "brows": (slice(17, 22), slice(22, 27)),
    "mouth": (slice(48, 60),),
}
"""Points of the iBUG scheme, in the order of each outline."""
TOGETHER = "together"
"""The union of the three regions."""
MARGIN = 0.12
"""Around an outline, as a fraction of the distance between the centres of the eyes."""
FINER = 4
"""Oversampling factor with which the outlines are drawn."""


@dataclass(frozen=True)
class Shares:
    """Fractions, means over the faces that have landmarks.

    Attributes:
        faces: the number of these faces.
        saliency: region → share of the saliency.
        area: region → share of the image's area, which is the share that uniform saliency would have.
    """

    faces: int
    saliency: Mapping[str, float]
    area: Mapping[str, float]


def region_masks(landmarks: np.ndarray, size: int, wanted: int) -> dict[str, np.ndarray] | None:
    """Region → [wanted, wanted], 1 inside and 0 outside; None for a face without landmarks.

    Args:
        landmarks: [68, 2] pixels of the image.
        size: height and width of the image in pixels.
        wanted: height and width of the masks.
    """
    if not np.isfinite(landmarks).all():
        return None
    points = landmarks * (wanted / size)
    left, right = (points[eye].mean(axis=0) for eye in OUTLINES["eyes"])
    margin = MARGIN * float(np.linalg.norm(right - left))
    masks = {
        name: np.maximum.reduce([_filled(points[part], margin, wanted, name != "brows") for part in parts])
        for name, parts in OUTLINES.items()
    }
    return masks | {TOGETHER: np.maximum.reduce(list(masks.values()))}


def mean_shares(maps: np.ndarray, masks: Sequence[dict[str, np.ndarray] | None]) -> Shares | None:
    """The mean shares of maps [B, size, size] inside the masks of each face; None if no face has masks."""
    found = [(its_map, its) for its_map, its in zip(maps, masks, strict=True) if its is not None]
    if not found:
        return None
    names = (*OUTLINES, TOGETHER)
    return Shares(
        faces=len(found),
        saliency={
            name: float(np.mean([(its_map * its[name]).sum() for its_map, its in found])) for name in names
        },
        area={name: float(np.mean([its[name].mean() for _, its in found])) for name in names},
    )


def _filled(points: np.ndarray, margin: float, size: int, closed: bool) -> np.ndarray:
    """[size, size] 1 inside an outline and within the margin around it."""
    canvas = Image.new("L", (size * FINER, size * FINER))
    draw = ImageDraw.Draw(canvas)
    corners = [(float(x) * FINER, float(y) * FINER) for x, y in points]
    if closed:
        draw.polygon(corners, fill=255)
    draw.line([*corners, corners[0]] if closed else corners, fill=255, width=round(2 * margin * FINER))
    for x, y in corners:
        draw.circle((x, y), margin * FINER, fill=255)
    fine = np.asarray(canvas).reshape(size, FINER, size, FINER)
    return fine.mean(axis=(1, 3)) / 255
