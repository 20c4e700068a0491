"""The camera's view of a head: weak perspective of a curved face.

Face coordinates: x to the right of the image, y down, z towards the camera; 1 is half an image side. Each feature
lies on a plane that touches a curved surface. So turning the head moves the features relative to its outline and
foreshortens the far half. The outline is that of a round body: turning does not make it narrower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Faces = NDArray[np.void]


@dataclass(frozen=True)
class Plane:
    """A plane of a face in the camera's view: (u, v) relative to its `centre` → pixels.

    Attributes:
        centre: [B, 2] pixels.
        matrix: [B, 2, 2] pixels per unit.
    """

    centre: Array
    matrix: Array

    def project(self, u: Array, v: Array) -> Array:
        """[B, n] and [B, n] → [B, n, 2] pixels."""
        along, across = self.matrix[:, None, :, 0], self.matrix[:, None, :, 1]
        return np.asarray(self.centre[:, None] + u[..., None] * along + v[..., None] * across)

    def box(self, half: Array, low: Array, high: Array) -> Array:
        """[B, 4, 2] pixels: the corners of -half ≤ u ≤ half, low ≤ v ≤ high."""
        return self.project(
            np.stack([-half, half, -half, half], axis=1), np.stack([low, low, high, high], axis=1)
        )

    def inverse(self) -> Array:
        """[B, 2, 2] units per pixel."""
        (a, b), (c, d) = self.matrix.transpose(1, 2, 0)
        adjugate = np.stack([d, -b, -c, a], axis=-1).reshape(-1, 2, 2)
        return np.asarray(adjugate / (a * d - b * c)[:, None, None])


class Pose:
    """The turn and the scale of B heads, each about its own centre."""

    def __init__(self, faces: Faces, size: int) -> None:
        camera = faces["camera"]
        self.yaw, self.pitch, self.roll = camera["yaw"], camera["pitch"], camera["roll"]
        self.cos_yaw, self.cos_pitch, self.cos_roll = (cosine(s) for s in (self.yaw, self.pitch, self.roll))
        self.zoom = camera["scale"] * (size / 2)
        self._flatness = 0.95 * np.square(0.58 / faces["person"]["head_width"])

    def direction(self, x: Array | float, y: Array | float, z: Array | float) -> Array:
        """[B] face coordinates → [B, 2] pixels from the head's centre."""
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
        """The plane that touches the face at (x, y), `lift` above it, turned in itself by the sine `tilt`."""
        x, y, tilt = (
            np.broadcast_to(np.asarray(value, np.float32), self.yaw.shape) for value in (x, y, tilt)
        )
        slope_x, slope_y = -2 * self._flatness * x, -0.4 * y
        depth = 0.42 + lift - self._flatness * x * x - 0.2 * y * y
        cos = cosine(tilt)
        u = self.direction(cos, tilt, slope_x * cos + slope_y * tilt)
        v = self.direction(-tilt, cos, slope_y * cos - slope_x * tilt)
        return Plane(self.direction(x, y, depth), np.stack([u, v], axis=-1))

    def facing(self, y: float = 0, depth: float = 0) -> Plane:
        """A plane that always faces the camera, for outlines of round bodies."""
        right = np.stack([self.cos_roll, self.roll], axis=-1) * self.zoom[:, None]
        down = np.stack([-self.roll, self.cos_roll], axis=-1) * self.zoom[:, None]
        return Plane(self.direction(0, y, depth), np.stack([right, down], axis=-1))


def cosine(sine: Array) -> Array:
    """The cosine, at least 0, that belongs to a sine."""
    return np.asarray(np.sqrt(1 - sine * sine))
