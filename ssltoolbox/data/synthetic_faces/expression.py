"""The expression of a synthetic face over time: action units, class, valence and arousal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssltoolbox.api import EXPRESSIONS

Array = NDArray[np.float64]

UNITS = (
    "smile",  # the corners of the mouth up; down when negative
    "open",  # the jaw
    "width",  # of the mouth
    "raise",  # of the whole brows
    "inner",  # the inner ends of the brows up
    "furrow",  # the inner ends of the brows down and together
    "eye",  # wide; narrowed when negative
    "wrinkle",  # of the nose, with the upper lip
    "asymmetry",  # one corner of the mouth and the brow above it up
    "press",  # of the lips
    "teeth",
)
"""Movements of a face, modelled on the action units of FACS (Ekman & Friesen, 1978); 1 is strong."""

_PROTOTYPES: dict[str, dict[str, float]] = {
    "neutral": {},
    "happy": {"smile": 1.0, "open": 0.35, "width": 0.45, "eye": -0.35, "teeth": 1.0},
    "sad": {"smile": -0.8, "width": -0.2, "inner": 1.0, "eye": -0.3},
    "surprise": {"open": 1.0, "width": -0.4, "raise": 1.0, "eye": 0.8},
    "fear": {"smile": -0.45, "open": 0.4, "width": 0.4, "raise": 0.6, "inner": 0.7, "eye": 1.0, "teeth": 0.8},
    "disgust": {"smile": -0.5, "open": 0.25, "furrow": 0.4, "eye": -0.6, "wrinkle": 1.0, "teeth": 0.3},
    "anger": {"smile": -0.4, "raise": -0.3, "furrow": 1.0, "eye": 0.1, "wrinkle": 0.2, "press": 1.0},
    "contempt": {"smile": 0.1, "raise": 0.1, "eye": -0.25, "asymmetry": 1.0, "press": 0.3},
}
# Circumplex coordinates (Russell, 1980), placed as AffectNet's annotators placed the classes.
_VALENCE = (0.0, 0.8, -0.65, 0.2, -0.45, -0.7, -0.55, -0.35)
_AROUSAL = (0.0, 0.45, -0.4, 0.8, 0.75, 0.3, 0.7, -0.1)
# Unbalanced as in AffectNet, though less: the rarest class still has to be learnt from a few hundred clips.
_FREQUENCY = np.array([0.22, 0.22, 0.12, 0.11, 0.08, 0.08, 0.10, 0.07])

_TABLE = np.array([[_PROTOTYPES[name].get(unit, 0.0) for unit in UNITS] for name in EXPRESSIONS])
_AFFECT = np.stack([_VALENCE, _AROUSAL], axis=1)
_CHANGE = 0.6  # seconds from one expression to the next


@dataclass(frozen=True)
class ExpressionCourse:
    """The course of a clip: `units` [T, U], `affect` [T, 2] (valence, arousal), `label` and `purity` [T].

    `label` is the strongest class, `purity` its share among the classes at that moment, in (0, 1].
    """

    units: Array
    affect: Array
    label: NDArray[np.int64]
    purity: Array


def draw_expression(rng: np.random.Generator, times: Array) -> ExpressionCourse:
    """A semi-Markov walk through the classes: each lasts 4 to 7 seconds at its own intensity, none repeats.

    The value at a time does not depend on the length of the clip.
    """
    weights = _class_weights(rng, times)
    label = weights.argmax(axis=1)
    return ExpressionCourse(
        units=_mix(weights, _TABLE),
        affect=_mix(weights, _AFFECT),
        label=label,
        purity=weights[np.arange(len(times)), label] / _mix(weights, np.ones((len(EXPRESSIONS), 1)))[:, 0],
    )


def _class_weights(rng: np.random.Generator, times: Array) -> Array:
    """[T, classes]: intensity of each class; smooth ramps lead from one to the next."""
    weights = np.zeros((len(times), len(EXPRESSIONS)))
    label, start = -1, -rng.uniform(0, 4)
    rise = _ramp(times, start)
    while start - _CHANGE / 2 <= times[-1]:
        label = _next_class(rng, label)
        intensity = rng.uniform(0.55, 1.0)
        start += rng.uniform(4, 7)
        fall = _ramp(times, start)
        weights[:, label] += (rise - fall) * intensity
        rise = fall
    return weights


def _next_class(rng: np.random.Generator, current: int) -> int:
    frequency = _FREQUENCY.copy()
    if current >= 0:
        frequency[current] = 0
    edges = frequency.cumsum()
    return min(int(np.searchsorted(edges, rng.random() * edges[-1], side="right")), len(edges) - 1)


def _ramp(times: Array, start: float) -> Array:
    """0 before `start`, 1 after it, a smoothstep around it."""
    x = np.clip((times - start) / _CHANGE + 0.5, 0, 1)
    return np.asarray(x * x * (3 - 2 * x))


def _mix(weights: Array, values: Array) -> Array:
    """[T, K] × [K, F] → [T, F], summed class by class: `@` may round otherwise for another T."""
    mixture = np.zeros((len(weights), values.shape[1]))
    for weight, value in zip(weights.T, values, strict=True):
        mixture += weight[:, None] * value
    return mixture
