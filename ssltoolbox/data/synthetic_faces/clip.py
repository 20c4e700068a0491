"""One clip of a synthetic face: a record for each frame, for drawing and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssltoolbox.data.synthetic_faces.expression import UNITS, draw_expression
from ssltoolbox.data.synthetic_faces.identity import PERSON, draw_person
from ssltoolbox.data.synthetic_faces.scene import CAMERA, SCENE, draw_camera, draw_scene, fast_walk

MOMENT = np.dtype(
    [
        ("units", "f4", len(UNITS)),
        ("blink", "f4"),
        ("gaze", "f4", 2),
        ("grain", "f4"),
        ("expression", "i8"),
        ("affect", "f4", 2),
    ]
)
"""The face at a moment: action units, gaze, labels. `grain` in [0, 1) selects the pixel noise."""

FACE = np.dtype([("person", PERSON), ("scene", SCENE), ("camera", CAMERA), ("moment", MOMENT)])
"""Everything that a drawn frame depends on."""

PURE = 0.85
"""A frame has a class when its strongest expression has more than this share, and the eyes are open."""


@dataclass(frozen=True)
class ClipRecords:
    """A clip before it is drawn: `camera` and `moment` have a record for each frame."""

    person: Any
    scene: Any
    camera: NDArray[np.void]
    moment: NDArray[np.void]

    def faces(self, frames: Any) -> NDArray[np.void]:
        """[len(frames)] records of `FACE`."""
        faces = np.empty(len(frames), FACE)
        faces["person"] = self.person
        faces["scene"] = self.scene
        faces["camera"] = self.camera[frames]
        faces["moment"] = self.moment[frames]
        return faces


def draw_clip(world: int, identity: int, take: int, times: NDArray[np.float64]) -> ClipRecords:
    """The clip number `take` of a person, at these times."""
    person = draw_person(np.random.default_rng((world, identity)))
    scene, camera, course, moment = np.random.default_rng((world, identity, take + 1)).spawn(4)
    return ClipRecords(
        person=person,
        scene=draw_scene(scene),
        camera=draw_camera(camera, len(times)),
        moment=_draw_moments(course, moment, person, times),
    )


def _draw_moments(
    course: np.random.Generator, rng: np.random.Generator, person: Any, times: NDArray[np.float64]
) -> NDArray[np.void]:
    """[T] records of `MOMENT`: the expression added to a resting face, with talking, blinks and noise."""
    expression = draw_expression(course, times)
    talking = max(0.0, rng.uniform(-0.4, 0.4))
    speech, blinks, rng = rng.spawn(3)
    noise = rng.standard_normal((len(times), len(UNITS) + 4))
    chance = blinks.random((len(times), 3))

    moments = np.zeros(len(times), MOMENT)
    units = person["resting"] + person["gain"] * expression.units + 0.05 * noise[:, : len(UNITS)]
    units[:, UNITS.index("open")] += talking * np.clip(fast_walk(speech, len(times), 1)[:, 0], 0, 1)
    moments["units"] = units
    moments["gaze"] = (0.02, 0.01) * np.clip(noise[:, -4:-2], -2, 2)
    moments["blink"] = np.where(chance[:, 0] < 0.04, 0.7 + 0.3 * chance[:, 1], 0)
    moments["grain"] = chance[:, 2]
    clear = (expression.purity > PURE) & (moments["blink"] == 0)
    moments["expression"] = np.where(clear, expression.label, -1)
    moments["affect"] = np.clip(expression.affect + 0.04 * noise[:, -2:], -1, 1)
    return moments
