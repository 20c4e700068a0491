"""The person of a synthetic face: everything that is the same in all of the person's clips.

Lengths are in half image sides: the image spans [-1, 1] if the head is centred at scale 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ssltoolbox.data.synthetic_faces.expression import UNITS

PERSON = np.dtype(
    [
        ("skin", "f4", 3),
        ("hair", "f4", 3),
        ("iris", "f4", 3),
        ("lips", "f4", 3),
        ("frame", "f4", 3),  # of the glasses
        ("head_width", "f4"),
        ("chin", "f4"),
        ("taper", "f4"),
        ("hair_volume", "f4"),
        ("hair_length", "f4"),
        ("hairline", "f4"),
        ("fringe_slant", "f4"),
        ("eye_spacing", "f4"),
        ("eye_width", "f4"),
        ("eye_tilt", "f4"),
        ("brow_height", "f4"),
        ("brow_thickness", "f4"),
        ("nose_width", "f4"),
        ("mouth_width", "f4"),
        ("lip", "f4"),
        ("glasses", "f4"),
        ("beard", "f4"),
        ("resting", "f4", len(UNITS)),
        ("gain", "f4"),
    ]
)
"""A person as a record. Because of `resting` and `gain`, identity is a confounder of expression."""

_SKIN = np.array([[0.97, 0.82, 0.72], [0.87, 0.66, 0.52], [0.66, 0.44, 0.31], [0.40, 0.26, 0.19]])
_HAIR = np.array(
    [
        [0.10, 0.08, 0.08],
        [0.24, 0.15, 0.10],
        [0.45, 0.27, 0.14],
        [0.78, 0.60, 0.34],
        [0.62, 0.26, 0.12],
        [0.66] * 3,
    ]
)
_IRIS = np.array([[0.22, 0.13, 0.07], [0.38, 0.25, 0.12], [0.25, 0.42, 0.62], [0.27, 0.45, 0.30]])
_FRAMES = np.array([[0.08, 0.08, 0.10], [0.45, 0.10, 0.12], [0.15, 0.20, 0.45]])
# Standard deviations of a resting face from neutral, for each action unit.
_RESTING = {
    "smile": 0.20,
    "open": 0.03,
    "width": 0.15,
    "raise": 0.18,
    "inner": 0.15,
    "furrow": 0.15,
    "eye": 0.18,
    "wrinkle": 0.05,
    "asymmetry": 0.08,
    "press": 0.10,
    "teeth": 0.03,
}


def draw_person(rng: np.random.Generator) -> Any:
    """A record of `PERSON`."""
    person = np.zeros((), PERSON)
    person["skin"] = _between(_SKIN, rng.uniform(0, len(_SKIN) - 1)) + rng.normal(0, 0.02, 3)
    person["hair"] = _HAIR[rng.integers(len(_HAIR))] * rng.uniform(0.8, 1.15)
    person["iris"] = _IRIS[rng.integers(len(_IRIS))] * rng.uniform(0.8, 1.1)
    person["lips"] = person["skin"] * (0.86, 0.60, 0.60) + rng.normal(0, 0.025, 3)
    person["frame"] = _FRAMES[rng.integers(len(_FRAMES))]
    person["head_width"] = rng.uniform(0.53, 0.63)
    person["chin"] = rng.uniform(0.72, 0.84)
    person["taper"] = rng.uniform(0.05, 0.35)
    bald, long = rng.random(2) < (0.10, 0.40)
    person["hair_volume"] = -0.1 if bald else rng.uniform(0.05, 0.16)
    person["hair_length"] = rng.uniform(0.9, 1.5) if long and not bald else rng.uniform(0.35, 0.5)
    person["hairline"] = -2.0 if bald else rng.uniform(-0.72, -0.50)
    person["fringe_slant"] = rng.uniform(-0.25, 0.25)
    person["eye_spacing"] = rng.uniform(0.225, 0.275)
    person["eye_width"] = rng.uniform(0.12, 0.155)
    person["eye_tilt"] = rng.uniform(-0.15, 0.15)
    person["brow_height"] = rng.uniform(0.16, 0.205)
    person["brow_thickness"] = rng.uniform(0.018, 0.036)
    person["nose_width"] = rng.uniform(0.08, 0.13)
    person["mouth_width"] = rng.uniform(0.19, 0.25)
    person["lip"] = rng.uniform(0.034, 0.056)
    person["glasses"], person["beard"] = rng.random(2) < (0.2, 0.2)
    person["resting"] = rng.normal(0, [_RESTING[unit] for unit in UNITS])
    person["gain"] = rng.uniform(0.95, 1.3)
    return person


def _between(stops: np.ndarray, position: float) -> np.ndarray:
    """The colour at a fractional position along a row of stops."""
    low = min(int(position), len(stops) - 2)
    return np.asarray(stops[low] + (stops[low + 1] - stops[low]) * (position - low))
