"""The shapes of faces and their 68 landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ssltoolbox.data.synthetic_faces.expression import UNITS
from ssltoolbox.data.synthetic_faces.pose import Array, Faces, Plane, Pose

EYE_LINE = -0.13
HEAD_TOP = 0.93
_MARGIN = 0.03  # of the picture, free of landmarks


@dataclass(frozen=True)
class HeadShape:
    """The outline: half an ellipse, and below it (u / (width · (1 − taper·s²)))² + s³ = 1 with s = v / chin.

    `lean` moves the chin sideways as the head turns: u is counted from lean·s².
    """

    plane: Plane
    width: Array
    chin: Array
    taper: Array
    lean: Array

    def jaw(self) -> Array:
        """[B, 17, 2]: landmarks 0 to 16, from temple to temple by way of the chin."""
        s = np.array([-0.12, 0.12, 0.35, 0.55, 0.72, 0.85, 0.94, 0.985, 1.0], np.float32)
        below = np.maximum(s, 0)
        top = np.minimum(s * self.chin[:, None] / HEAD_TOP, 0)
        half = self.width[:, None] * (1 - self.taper[:, None] * below * below)
        half = half * np.sqrt(1 - below * below * below - top * top)
        middle, v = self.lean[:, None] * below * below, self.chin[:, None] * s
        right = slice(-2, None, -1)
        return self.plane.project(
            np.concatenate([middle - half, (middle + half)[:, right]], axis=1),
            np.concatenate([v, v[:, right]], axis=1),
        )


@dataclass(frozen=True)
class Eye:
    """Two parabolas v = ∓ lid · (1 − (u / width)²), and an iris. u runs to the right in both eyes."""

    plane: Plane
    width: Array
    upper: Array
    lower: Array
    iris: Array  # [B, 2]: its centre
    radius: Array

    def contour(self) -> Array:
        """[B, 6, 2]: left corner, two points of the upper lid, right corner, two of the lower lid."""
        at = np.array([-1, -0.4, 0.4, 1, 0.4, -0.4], np.float32)
        lid = np.where(np.arange(6) < 3, -self.upper[:, None], self.lower[:, None]) * (1 - at * at)
        return self.plane.project(self.width[:, None] * at, lid)


@dataclass(frozen=True)
class Brow:
    """A stroke along v = bend[0] + bend[1]·t + bend[2]·t², t from −1 at the nose to 1 at the temple."""

    plane: Plane
    side: int
    length: Array  # from its middle to either end
    thickness: Array
    bend: tuple[Array, Array, Array]

    def contour(self) -> Array:
        """[B, 5, 2], from left to right."""
        t = np.array([-0.95, -0.5, 0, 0.5, 0.95], np.float32) * self.side
        v = self.bend[0][:, None] + self.bend[1][:, None] * t + self.bend[2][:, None] * t * t
        return self.plane.project(self.length[:, None] * t * self.side, v)


@dataclass(frozen=True)
class Nose:
    """The bridge [B, 4, 2] and the base [B, 5, 2] in pixels, and the plane of the base."""

    plane: Plane
    width: Array
    bridge: Array
    base: Array


@dataclass(frozen=True)
class Mouth:
    """Lips about the line middle(r) = −curl·(r² − .35) − lopsided·(r + r²), with r = u / width.

    The inner edges lie ABOVE·gap·q above it and (1 − ABOVE)·gap·q below, with q = 1 − (r / INNER)² or 0;
    the outer edges lie upper·√(1 − r²) and lower·√(1 − r²) beyond the inner ones.
    """

    INNER: ClassVar[float] = 0.88
    ABOVE: ClassVar[float] = 0.3

    plane: Plane
    width: Array
    curl: Array
    lopsided: Array
    gap: Array
    upper: Array
    lower: Array
    teeth: Array

    def middle(self, r: Array) -> Array:
        """[B, n] → [B, n]."""
        return np.asarray(-self.curl[:, None] * (r * r - 0.35) - self.lopsided[:, None] * (r + r * r))

    def contour(self) -> Array:
        """[B, 20, 2]: landmarks 48 to 67."""
        outer = np.array([-1, -0.62, -0.25, 0, 0.25, 0.62, 1, 0.62, 0.25, 0, -0.25, -0.62], np.float32)
        inner = np.array([-1, -0.45, 0, 0.45, 1, 0.45, 0, -0.45], np.float32) * self.INNER
        r = np.concatenate([outer, inner])[None]
        top = np.isin(np.arange(20), (0, 1, 2, 3, 4, 5, 6, 12, 13, 14, 15, 16))
        lip = np.where(np.arange(20) < 12, np.sqrt(1 - r * r), 0)
        opening = self.gap[:, None] * np.maximum(1 - np.square(r / self.INNER), 0)
        v = self.middle(r) + np.where(
            top,
            -self.ABOVE * opening - self.upper[:, None] * lip,
            (1 - self.ABOVE) * opening + self.lower[:, None] * lip,
        )
        return self.plane.project(self.width[:, None] * r, v)


class FaceShapes:
    """The shapes of B faces in pixels relative to the heads' centres; `origin` is the position of the centres."""

    def __init__(self, faces: Faces, size: int) -> None:
        self.size = size
        self.person = faces["person"]
        self.units = {name: faces["moment"]["units"][:, i] for i, name in enumerate(UNITS)}
        self.pose = Pose(faces, size)
        self.mouth_line = 0.6 * self.person["chin"]
        self.head = self._head()
        self.eyes = tuple(self._eye(faces, side) for side in (-1, 1))
        self.brows = tuple(self._brow(side) for side in (-1, 1))
        self.nose = self._nose()
        self.mouth = self._mouth()
        self._shift = faces["camera"]["shift"]

    @cached_property
    def origin(self) -> Array:
        """[B, 2] pixels: the head's centre, moved so that every landmark is in the image."""
        low, high = self._contours.min(axis=1), self._contours.max(axis=1)
        margin = _MARGIN * self.size
        wanted = (self._shift + np.array([1, 0.88], np.float32)) * (self.size / 2) - 0.5
        return np.asarray(np.maximum(np.minimum(wanted, self.size - 1 - margin - high), margin - low))

    @cached_property
    def landmarks(self) -> Array:
        """[B, 68, 2] pixels, in the order of iBUG; (0, 0) is the middle of the first pixel."""
        return np.asarray(self._contours + self.origin[:, None])

    @cached_property
    def _contours(self) -> Array:
        return np.concatenate(
            [
                self.head.jaw(),
                *(brow.contour() for brow in self.brows),
                self.nose.bridge,
                self.nose.base,
                *(eye.contour() for eye in self.eyes),
                self.mouth.contour(),
            ],
            axis=1,
        )

    def _head(self) -> HeadShape:
        return HeadShape(
            plane=self.pose.facing(),
            width=self.person["head_width"],
            chin=self.person["chin"] + 0.05 * np.maximum(self.units["open"], 0),
            taper=self.person["taper"],
            lean=0.25 * self.pose.yaw,
        )

    def _eye(self, faces: Faces, side: int) -> Eye:
        width = self.person["eye_width"]
        wide = _clip(1 + 0.6 * self.units["eye"], 0.3, 1.8) * (1 - faces["moment"]["blink"])
        lifted = 1 - 0.35 * _clip(self.units["smile"] + self.units["wrinkle"], 0, 1)
        upper, lower = 0.58 * width * wide, 0.38 * width * wide * lifted
        return Eye(
            plane=self.pose.on_face(
                side * self.person["eye_spacing"], EYE_LINE, side * self.person["eye_tilt"]
            ),
            width=width,
            upper=upper,
            lower=lower,
            iris=faces["moment"]["gaze"] + np.stack([np.zeros_like(width), (lower - upper) / 3], axis=-1),
            radius=0.42 * width,
        )

    def _brow(self, side: int) -> Brow:
        raised, inner, furrow = (_clip(self.units[name], -1.3, 1.3) for name in ("raise", "inner", "furrow"))
        lopsided = side * _clip(self.units["asymmetry"], 0, 1.3)
        inward = self.person["eye_spacing"] - 0.025 * furrow
        return Brow(
            plane=self.pose.on_face(side * inward, EYE_LINE - self.person["brow_height"]),
            side=side,
            length=self.person["eye_width"] * 1.15,
            thickness=self.person["brow_thickness"],
            bend=(
                -0.02 - 0.08 * raised - 0.03 * inner + 0.05 * furrow - 0.04 * lopsided,
                0.015 + 0.06 * inner - 0.075 * furrow,
                0.03 - 0.015 * inner,
            ),
        )

    def _nose(self) -> Nose:
        width, wrinkle = self.person["nose_width"], np.maximum(self.units["wrinkle"], 0)
        base_line = self.mouth_line - 0.23 - 0.03 * wrinkle
        plane = self.pose.on_face(0, base_line, lift=0.06)
        root = self.pose.direction(0, EYE_LINE, 0.47)
        tip = self.pose.direction(0, base_line - 0.05, 0.60)
        along = np.linspace(0, 1, 4, dtype=np.float32)[:, None]
        across = np.array([-0.85, -0.45, 0, 0.45, 0.85], np.float32)
        return Nose(
            plane=plane,
            width=width,
            bridge=root[:, None] + along * (tip - root)[:, None],
            base=plane.project(
                width[:, None] * across, np.array([[0.035, 0.05, 0.06, 0.05, 0.035]], np.float32)
            ),
        )

    def _mouth(self) -> Mouth:
        unit = self.units
        stretch = 1 + 0.28 * unit["width"] + 0.12 * unit["smile"]
        thin = 1 - 0.6 * _clip(unit["press"], 0, 1.2)
        return Mouth(
            plane=self.pose.on_face(0, self.mouth_line - 0.02 * np.maximum(unit["wrinkle"], 0)),
            width=self.person["mouth_width"] * _clip(stretch, 0.55, 1.5),
            curl=0.1 * unit["smile"],
            lopsided=0.07 * unit["asymmetry"],
            gap=0.25 * np.maximum(unit["open"] - 0.05, 0),
            upper=self.person["lip"] * thin * 0.85,
            lower=self.person["lip"] * thin,
            teeth=0.07 * _clip(unit["teeth"], 0, 1.3),
        )


def _clip(values: Array, low: float, high: float) -> Array:
    return np.asarray(np.minimum(np.maximum(values, low), high))
