"""Rules for landmark detectors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ssltoolbox.testing.compare import same, seed_globally, shape_of
from ssltoolbox.testing.material import images
from ssltoolbox.testing.rules import Breach, Complaint, Subject, rule


@rule("it returns 68 points in pixels, or None")
def points(subject: Subject) -> Iterator[Complaint]:
    detector = subject.make()
    for image in _images():
        found = detector.detect(image)
        if found is None:
            continue
        if not isinstance(found, np.ndarray) or shape_of(found) != "float32 [68, 2]":
            yield Complaint(
                "shape",
                f"`{subject.name}.detect` must return float32 [68, 2], x and y in pixels, or None if there is "
                f"no face, but it returned {shape_of(found)}",
            )
        elif not np.isfinite(found).all():
            yield Complaint(
                "points",
                f"`{subject.name}.detect` returned NaN or infinite points: return None if there is no face",
            )


@rule("images are not changed")
def input_unchanged(subject: Subject) -> None:
    detector = subject.make()
    for image in _images():
        before = image.copy()
        detector.detect(image)
        if not same(before, image):
            raise Breach(f"`{subject.name}.detect` changed its image: work on a copy")


@rule("the same image gives the same points")
def reproducible(subject: Subject) -> None:
    detector = subject.make()
    seed_globally(1)
    once = [detector.detect(image) for image in _images()]
    seed_globally(2)
    again = [detector.detect(image) for image in reversed(list(_images()))][::-1]
    if not all(same(first, second) for first, second in zip(once, again, strict=True)):
        raise Breach(
            f"`{subject.name}.detect` found other points in the same image: use no random numbers, and keep no "
            "state between images"
        )


def _images() -> Iterator[np.ndarray]:
    """[H, W, 3] uint8: patterns in portrait and landscape format, and a black image."""
    pattern = images(1, 96)[0].permute(1, 2, 0).numpy()
    yield from (pattern.copy(), pattern[:64].copy(), pattern[:, :64].copy(), np.zeros((48, 48, 3), np.uint8))


RULES = (points, input_unchanged, reproducible)
