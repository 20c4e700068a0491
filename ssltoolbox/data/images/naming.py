"""Natural order of file names, and the times of frames from their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from natsort import natsorted

_ENDS_IN_NUMBER = re.compile(r"(?P<prefix>.*?)(?P<number>[0-9]+)", re.DOTALL)


def in_natural_order(names: Iterable[str]) -> list[str]:
    """Sorts names so that numbers in them are in numerical order; deterministic.

    >>> in_natural_order(["10.jpg", "9.jpg", "face2.jpg"])
    ['9.jpg', '10.jpg', 'face2.jpg']
    """
    ordered = sorted(names)
    return ordered if _are_padded_numbers(ordered) else natsorted(ordered)


def _are_padded_numbers(names: Sequence[str]) -> bool:
    """True if alphabetical order is natural order, which is faster for large trees."""
    stems = {name.partition(".")[0] for name in names}
    one_width = len({len(stem) for stem in stems}) == 1
    return one_width and len(stems) == len(names) and all(s.isascii() and s.isdigit() for s in stems)


def frame_times(names: Sequence[str], fps: float) -> np.ndarray:
    """[frames] float64 seconds from a clip's first frame, strictly increasing.

    Numbered frames (`0000012.jpg`, `face_12.png`: one prefix for all, rising numbers) are 1/fps apart where
    their numbers differ by the clip's smallest step, and a missing number leaves a gap: 1, 2 and 4 at 10 fps
    are at 0, 0.1 and 0.3 s; so are 25, 50 and 100. Frames with other names are 1/fps apart.

    Args:
        names: file names in natural order.
        fps: frames per second.
    """
    numbers = frame_numbers(names)
    return np.arange(len(names)) / fps if numbers is None else number_times(numbers, fps)


def number_times(numbers: Sequence[int], fps: float) -> np.ndarray:
    """[frames] float64 seconds of frames with rising numbers; see `frame_times`."""
    evenly = np.arange(len(numbers)) / fps
    if len(numbers) < 2:
        return evenly
    step = min(later - earlier for earlier, later in pairwise(numbers))
    times = np.array([(number - numbers[0]) / step for number in numbers]) / fps
    # Numbers of dozens of digits can be closer than float64 can tell apart.
    return times if np.all(np.diff(times) > 0) else evenly


def frame_numbers(names: Sequence[str]) -> list[int] | None:
    """The number at the end of each stem; None if the numbers are not a rising sequence with one prefix."""
    found = [_ENDS_IN_NUMBER.fullmatch(name.rpartition(".")[0] or name) for name in names]
    matches = [match for match in found if match]
    if len(matches) < len(names) or len({match["prefix"] for match in matches}) != 1:
        return None
    numbers = [int(match["number"]) for match in matches]
    return numbers if all(earlier < later for earlier, later in pairwise(numbers)) else None
