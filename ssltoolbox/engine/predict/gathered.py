"""What was predicted for each face, gathered for a picture or a video."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ssltoolbox.engine.predict.sources import FaceBatch, FaceRow

MOST_FACES = 200
"""Faces that are gathered; later ones are counted."""
MOST_IMAGES = 64
"""Images that are kept of a face."""


@dataclass(eq=False)
class FaceCurve:
    """One face over time.

    Attributes:
        source, face: which one.
        rows: [n] where it was.
        values: [n] of [C] predictions.
        images: position among the rows → [S, S, 3] uint8, for some of them, evenly spread.
    """

    source: str
    face: int
    rows: list[FaceRow] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)
    images: dict[int, np.ndarray] = field(default_factory=dict)
    _every: int = 1

    @property
    def times(self) -> np.ndarray:
        """[n] seconds."""
        return np.array([row.time for row in self.rows])

    def add(self, row: FaceRow, values: np.ndarray, image: np.ndarray) -> None:
        """Adds the next row, with its image [S, S, 3]."""
        position = len(self.rows)
        self.rows.append(row)
        self.values.append(values)
        if position % self._every:
            return
        self.images[position] = image
        if len(self.images) > MOST_IMAGES:
            self._every *= 2
            self.images = {
                position: kept for position, kept in self.images.items() if position % self._every == 0
            }


class Gathered:
    """The faces that were seen so far.

    Attributes:
        left_out: faces that are not gathered, because there are too many.
    """

    def __init__(self) -> None:
        self._curves: dict[tuple[str, int], FaceCurve] = {}
        self._others: set[tuple[str, int]] = set()

    @property
    def curves(self) -> list[FaceCurve]:
        """The faces, in the order in which they were first seen."""
        return list(self._curves.values())

    @property
    def left_out(self) -> int:
        """Faces that are not gathered, because there are too many."""
        return len(self._others)

    def add(self, batch: FaceBatch, values: np.ndarray) -> None:
        """Adds faces and their predictions [B, C]."""
        images = batch.images.permute(0, 2, 3, 1).numpy()
        for row, found, image in zip(batch.rows, values, images, strict=True):
            key = row.source, row.face
            if key not in self._curves and len(self._curves) >= MOST_FACES:
                self._others.add(key)
                continue
            self._curves.setdefault(key, FaceCurve(*key)).add(row, found, image.copy())

    def take(self, others: Gathered) -> None:
        """Adds the faces of another source."""
        for key, curve in others._curves.items():
            if len(self._curves) < MOST_FACES:
                self._curves[key] = curve
            else:
                self._others.add(key)
        self._others |= others._others
