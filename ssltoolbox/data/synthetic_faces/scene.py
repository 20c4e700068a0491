"""Where and how a synthetic face is filmed: what does not depend on the expression.

The backdrop and the kind of light last for a clip. Head and light also jump about within two frames: a cue
that is steady within a clip would otherwise make identity the easiest thing to learn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

SCENE = np.dtype(
    [
        ("backdrop", "f4", (2, 3)),  # two colours …
        ("border", "f4", 3),  # … and the line a·x + b·y + c between them
        ("clothing", "f4", 3),
    ]
)
"""What stays the same in a clip."""

CAMERA = np.dtype(
    [
        ("yaw", "f4"),
        ("pitch", "f4"),
        ("roll", "f4"),
        ("scale", "f4"),
        ("shift", "f4", 2),
        ("slope", "f4", 2),  # of the light, per half image side
        ("tint", "f4", 3),
    ]
)
"""What changes from frame to frame. Angles are given by their sines; `tint` includes the light's strength."""

_CHANNELS = 9  # of the walk in `draw_camera`
_MEMORY = (1.0, 0.7, 0.4)  # correlation .59 at one frame, .24 at two, none at three


def draw_scene(rng: np.random.Generator) -> Any:
    """A record of `SCENE`."""
    scene = np.zeros((), SCENE)
    scene["backdrop"] = rng.uniform(0.15, 0.9, (2, 1)) + rng.uniform(-0.15, 0.15, (2, 3))
    scene["border"] = (*_direction(rng) * rng.uniform(0.6, 3), rng.uniform(-0.5, 0.5))
    scene["clothing"] = rng.uniform(0.1, 0.8) + rng.uniform(-0.2, 0.2, 3)
    return scene


def draw_camera(rng: np.random.Generator, frames: int) -> NDArray[np.void]:
    """[frames] records of `CAMERA`. More frames only go on: the first ones stay as they are."""
    light = _direction(rng) * rng.uniform(0.1, 0.45)
    tint = rng.uniform(0.75, 1.12) * (1 + rng.normal(0, 0.04, 3))
    pose = rng.normal(0, (0.10, 0.07, 0.05))
    scale = rng.uniform(1.05, 1.15)
    walk = fast_walk(rng, frames, _CHANNELS)

    camera = np.zeros(frames, CAMERA)
    camera["yaw"] = np.clip(pose[0] + 0.15 * walk[:, 0], -0.48, 0.48)
    camera["pitch"] = np.clip(pose[1] + 0.09 * walk[:, 1], -0.3, 0.3)
    camera["roll"] = np.clip(pose[2] + 0.09 * walk[:, 2], -0.3, 0.3)
    camera["scale"] = np.clip(scale + 0.05 * walk[:, 3], 0.95, 1.25)
    camera["shift"] = 0.06 * walk[:, 4:6]
    camera["slope"] = light + 0.2 * walk[:, 6:8]
    camera["tint"] = tint * np.clip(1 + 0.1 * walk[:, 8:9], 0.75, 1.25)
    return camera


def fast_walk(rng: np.random.Generator, frames: int, channels: int) -> NDArray[np.float64]:
    """[frames, channels] of unit variance, forgotten after two frames."""
    steps = rng.standard_normal((frames + len(_MEMORY) - 1, channels))
    walk = np.zeros((frames, channels))
    for delay, weight in enumerate(_MEMORY):
        walk += weight * steps[delay : delay + frames]
    return np.asarray(walk / np.sqrt(np.square(_MEMORY).sum()))


def _direction(rng: np.random.Generator) -> NDArray[np.float64]:
    """[2]: a unit vector, every direction alike."""
    vector = rng.standard_normal(2)
    return np.asarray(vector / np.sqrt(vector[0] * vector[0] + vector[1] * vector[1]))
