"""The shapes of faces and their 68 landmarks, from the same numbers that the pixels are painted from.

Face coordinates: x to the right of the picture, y down, z towards the camera; 1 is half an image side. The features
lie on a bulging surface, each on a plane of its own that touches it, so that turning the head moves them against
its outline and foreshortens the far half. The outline itself is that of a round body: turning does not narrow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ssltoolbox.data.synthetic_faces.expression import UNITS

Array = NDArray[np.float32]
Faces = NDArray[np.void]

EYE_LINE = -0.13
HEAD_TOP = 0.93
_MARGIN = 0.03  # of the picture, free of landmarks


@dataclass(frozen=True)
class Plane:
    """A flat piece of a face as the camera sees it: (u, v) about its `centre` → pixels.

    Attributes:
        centre: [B, 2] pixels.
        matrix: [B, 2, 2] pixels per unit.
    """

    centre: Array
    matrix: Array

    def project(self, u: Array, v: Array) -> Array:
        """[B, n] and [B, n] → [B, n, 2] pixels."""
        return self.centre[:, None] + u[..., None] * self.matrix[:, None, :, 0] + v[..., None] * self.matrix[:, None, :, 1]

    def box(self, half: Array, low: Array, high: Array) -> Array:
        """[B, 4, 2] pixels: the corners of -half ≤ u ≤ half, low ≤ v ≤ high."""
        return self.project(np.stack([-half, half, -half, half], axis=1), np.stack([low, low, high, high], axis=1))

    def inverse(self) -> Array:
        """[B, 2, 2] units per pixel."""
        (a, b), (c, d) = self.matrix.transpose(1, 2, 0)
        return np.stack([d, -b, -c, a], axis=-1).reshape(-1, 2, 2) / (a * d - b * c)[:, None, None]


class Pose:
    """How the camera sees the heads: weak perspective, about each head's centre, before its shift in the picture."""

    def __init__(self, faces: Faces, size: int) -> None:
        camera = faces["camera"]
        self.yaw, self.pitch, self.roll = camera["yaw"], camera["pitch"], camera["roll"]
        self.cos_yaw, self.cos_pitch, self.cos_roll = (_cosine(s) for s in (self.yaw, self.pitch, self.roll))
        self.zoom = camera["scale"] * np.float32(size / 2)
        self._flatness = np.float32(0.95) * np.square(0.58 / faces["person"]["head_width"])

    def direction(self, x: Array, y: Array, z: Array) -> Array:
        """[..., B] face coordinates → [B, 2] pixels."""
        forward = z * self.cos_yaw - x * self.yaw
        right = x * self.cos_yaw + z * self.yaw
        down = y * self.cos_pitch + forward * self.pitch
        return np.stack(
            [
                (right * self.cos_roll - down * self.roll) * self.zoom,
                (right * self.roll + down * self.cos_roll) * self.zoom,
            ],
            axis=-1,
        )

    def on_face(self, x: Array | float, y: Array | float, tilt: Array | float = 0, lift: float = 0) -> Plane:
        """The plane that touches the face at (x, y), turned in itself by the sine `tilt`, `lift` above the skin."""
        x, y, tilt = (np.broadcast_to(np.asarray(value, np.float32), self.yaw.shape) for value in (x, y, tilt))
        slope_x, slope_y = -2 * self._flatness * x, np.float32(-0.4) * y
        depth = np.float32(0.42 + lift) - self._flatness * x * x - np.float32(0.2) * y * y
        along, cos = (tilt, _cosine(tilt))
        u = self.direction(cos, along, slope_x * cos + slope_y * along)
        v = self.direction(-along, cos, slope_y * cos - slope_x * along)
        return Plane(self.direction(x, y, depth), np.stack([u, v], axis=-1))

    def facing(self, y: float = 0.0, depth: float = 0.0) -> Plane:
        """A plane that always faces the camera, for outlines of round bodies."""
        zero = np.zeros_like(self.yaw)
        right = np.stack([self.cos_roll, self.roll], axis=-1) * self.zoom[:, None]
        down = np.stack([-self.roll, self.cos_roll], axis=-1) * self.zoom[:, None]
        return Plane(self.direction(zero, zero + y, zero + depth), np.stack([right, down], axis=-1))


@dataclass(frozen=True)
class Head:
    """The outline: (u / (width · (1 − taper·s²)))² + |s|³ = 1 below the middle with s = v / chin, an ellipse above.

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
            np.concatenate([middle - half, (middle + half)[:, right]], axis=1), np.concatenate([v, v[:, right]], axis=1)
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
    """Four points of the bridge [B, 4, 2] and five of the base [B, 5, 2], in pixels, and the plane of the base."""

    plane: Plane
    width: Array
    bridge: Array
    base: Array


@dataclass(frozen=True)
class Mouth:
    """Lips about a middle line: with r = u / width and q = 1 − r² (1 − (r / .88)² inside),

    middle(r) = −curl·(r² − .35) − lopsided·(r + r²);  the inner edges lie open·.3·q above and open·.7·q below it;
    the outer edges lie upper·√q or lower·√q beyond the inner ones.
    """

    INNER = np.float32(0.88)
    ABOVE = np.float32(0.3)

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
        return -self.curl[:, None] * (r * r - np.float32(0.35)) - self.lopsided[:, None] * (r + r * r)

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
    """The shapes of B faces in a square picture of `size` pixels, about a centre that `origin` puts in the picture."""

    def __init__(self, faces: Faces, size: int) -> None:
        self.size = size
        self.person = faces["person"]
        self.units = {name: faces["moment"]["units"][:, i] for i, name in enumerate(UNITS)}
        self.pose = Pose(faces, size)
        self.mouth_line = np.float32(0.6) * self.person["chin"]
        self.head = self._head()
        self.eyes = tuple(self._eye(faces, side) for side in (-1, 1))
        self.brows = tuple(self._brow(side) for side in (-1, 1))
        self.nose = self._nose()
        self.mouth = self._mouth()
        self._shift = faces["camera"]["shift"]

    @cached_property
    def origin(self) -> Array:
        """[B, 2] pixels: where the head's centre comes to lie, so that every landmark is in the picture."""
        low, high = self._contours.min(axis=1), self._contours.max(axis=1)
        margin = np.float32(_MARGIN * self.size)
        wanted = (self._shift + np.array([1, 0.88], np.float32)) * np.float32(self.size / 2) - np.float32(0.5)
        return np.maximum(np.minimum(wanted, self.size - 1 - margin - high), margin - low)

    @cached_property
    def landmarks(self) -> Array:
        """[B, 68, 2] pixels, in the order of iBUG; (0, 0) is the middle of the first pixel."""
        return self._contours + self.origin[:, None]

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

    def _head(self) -> Head:
        return Head(
            plane=self.pose.facing(),
            width=self.person["head_width"],
            chin=self.person["chin"] + np.float32(0.05) * np.maximum(self.units["open"], 0),
            taper=self.person["taper"],
            lean=np.float32(0.25) * self.pose.yaw,
        )

    def _eye(self, faces: Faces, side: int) -> Eye:
        width = self.person["eye_width"]
        wide = _clip(1 + np.float32(0.6) * self.units["eye"], 0.3, 1.8) * (1 - faces["moment"]["blink"])
        lifted = 1 - np.float32(0.35) * _clip(self.units["smile"] + self.units["wrinkle"], 0, 1)
        upper, lower = np.float32(0.58) * width * wide, np.float32(0.38) * width * wide * lifted
        return Eye(
            plane=self.pose.on_face(side * self.person["eye_spacing"], EYE_LINE, side * self.person["eye_tilt"]),
            width=width,
            upper=upper,
            lower=lower,
            iris=faces["moment"]["gaze"] + np.stack([np.zeros_like(width), (lower - upper) / 3], axis=-1),
            radius=np.float32(0.42) * width,
        )

    def _brow(self, side: int) -> Brow:
        raised, inner, furrow = (_clip(self.units[name], -1.3, 1.3) for name in ("raise", "inner", "furrow"))
        lopsided = side * _clip(self.units["asymmetry"], 0, 1.3)
        inward = self.person["eye_spacing"] - np.float32(0.025) * furrow
        return Brow(
            plane=self.pose.on_face(side * inward, EYE_LINE - self.person["brow_height"]),
            side=side,
            length=self.person["eye_width"] * np.float32(1.15),
            thickness=self.person["brow_thickness"],
            bend=(
                np.float32(-0.02)
                - np.float32(0.08) * raised
                - np.float32(0.03) * inner
                + np.float32(0.05) * furrow
                - np.float32(0.04) * lopsided,
                np.float32(0.015) + np.float32(0.06) * inner - np.float32(0.075) * furrow,
                np.float32(0.03) - np.float32(0.015) * inner,
            ),
        )

    def _nose(self) -> Nose:
        width, wrinkle = self.person["nose_width"], np.maximum(self.units["wrinkle"], 0)
        base_line = self.mouth_line - np.float32(0.23) - np.float32(0.03) * wrinkle
        plane = self.pose.on_face(0, base_line, lift=0.06)
        zero = np.zeros_like(width)
        root = self.pose.direction(zero, zero + EYE_LINE, zero + 0.47)
        tip = self.pose.direction(zero, base_line - np.float32(0.05), zero + 0.60)
        along = np.linspace(0, 1, 4, dtype=np.float32)[:, None]
        across = np.array([-0.85, -0.45, 0, 0.45, 0.85], np.float32)
        return Nose(
            plane=plane,
            width=width,
            bridge=root[:, None] + along * (tip - root)[:, None],
            base=plane.project(width[:, None] * across, np.array([[0.035, 0.05, 0.06, 0.05, 0.035]], np.float32)),
        )

    def _mouth(self) -> Mouth:
        unit = self.units
        stretch = 1 + np.float32(0.28) * unit["width"] + np.float32(0.12) * unit["smile"]
        thin = 1 - np.float32(0.6) * _clip(unit["press"], 0, 1.2)
        return Mouth(
            plane=self.pose.on_face(0, self.mouth_line - np.float32(0.02) * np.maximum(unit["wrinkle"], 0)),
            width=self.person["mouth_width"] * _clip(stretch, 0.55, 1.5),
            curl=np.float32(0.1) * unit["smile"],
            lopsided=np.float32(0.07) * unit["asymmetry"],
            gap=np.float32(0.25) * np.maximum(unit["open"] - np.float32(0.05), 0),
            upper=self.person["lip"] * thin * np.float32(0.85),
            lower=self.person["lip"] * thin,
            teeth=np.float32(0.07) * _clip(unit["teeth"], 0, 1.3),
        )


def _cosine(sine: Array) -> Array:
    return np.sqrt(1 - sine * sine)


def _clip(values: Array, low: float, high: float) -> Array:
    return np.minimum(np.maximum(values, np.float32(low)), np.float32(high))
