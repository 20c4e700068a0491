"""Rules for views."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ssltoolbox.api import Side, ViewOptions
from ssltoolbox.testing.card import picklable
from ssltoolbox.testing.compare import devices, same, seed_globally, shape_of
from ssltoolbox.testing.material import images, landmarks
from ssltoolbox.testing.rules import Complaint, Subject, rule
from ssltoolbox.testing.state import Call, frozen, keeps_nothing

SIZES = (32, 56)
"""Sizes of views to try, smaller and larger than the images."""
SIDES: tuple[Side, ...] = ("a", "b")


@rule("images have the requested size")
def sizes(subject: Subject) -> Iterator[Complaint]:
    for size in SIZES:
        resized = _with_size(subject, size)
        for pixels, points in _given():
            wanted = [len(pixels), 3, size, size]
            for name, found in _views(resized, pixels, points):
                if not isinstance(found, Tensor) or list(found.shape) != wanted:
                    yield Complaint(
                        f"size of {_member(name)}",
                        f"`{subject.name}.{name}` must return {wanted} with size: {size}, but it returned "
                        f"{shape_of(found)}: resize to `options.size`",
                    )
                elif found.dtype != torch.float32 or found.device != pixels.device:
                    yield Complaint(
                        f"type of {_member(name)}",
                        f"`{subject.name}.{name}` must return float32 on {pixels.device}, but it returned "
                        f"{shape_of(found)} on {found.device}",
                    )


@rule("every pixel is a finite number")
def finite(subject: Subject) -> Iterator[Complaint]:
    for pixels, points in _given():
        for name, found in _views(subject, pixels, points):
            if not found.isfinite().all():
                yield Complaint(
                    _member(name),
                    f"`{subject.name}.{name}` returned pixels that are NaN or infinite, "
                    f"{'without' if points.isnan().any() else 'with'} landmarks: landmarks are NaN if a frame "
                    "has none",
                )


@rule("images are not changed")
def input_unchanged(subject: Subject) -> Iterator[Complaint]:
    for pixels, points in _given():
        before = pixels.clone(), points.clone()
        for name, _ in _views(subject, pixels, points):
            if not (same(before[0], pixels) and same(before[1], points)):
                yield Complaint(_member(name), f"`{subject.name}.{name}` changed its images: work on a copy")
                pixels.copy_(before[0])
                points.copy_(before[1])


@rule("the same seed gives the same views")
def reproducible(subject: Subject) -> Iterator[Complaint]:
    for pixels, points in _given():
        view = subject.on(pixels.device.type)
        for side in SIDES:
            once, again = (_augmented(view, pixels, points, side) for _ in range(2))
            if not same(once, again):
                yield Complaint(
                    "augment",
                    f"`{subject.name}.augment` returned other pixels with the same seed of torch: take random "
                    "numbers only from torch's global generator, and keep no state between calls",
                )


@rule("plain uses no random numbers")
def plain(subject: Subject) -> Iterator[Complaint]:
    for pixels, _ in _given():
        view = subject.on(pixels.device.type)
        seed_globally(1)
        together = view.plain(pixels)
        seed_globally(2)
        alone = torch.cat([view.plain(one[None]) for one in pixels])
        if not torch.allclose(together, alone, rtol=1e-4, atol=1e-4):
            yield Complaint(
                "plain",
                f"`{subject.name}.plain` returned other pixels for the same image, or next to other images: it "
                "is for evaluation, so only resize and normalise",
            )


def _with_size(subject: Subject, size: int) -> Subject:
    assert isinstance(subject.options, ViewOptions)
    return replace(subject, options=subject.options.model_copy(update={"size": size}))


def _given() -> Iterator[tuple[Tensor, Tensor]]:
    """Images and landmarks on every device: several images, one image, and images without landmarks."""
    for device in devices():
        for count, known in ((5, True), (1, True), (3, False)):
            points = landmarks(count) if known else torch.full((count, 68, 2), torch.nan)
            yield images(count).to(device), points.to(device)


def _augmented(view: Any, pixels: Tensor, points: Tensor, side: Side) -> Any:
    seed_globally(1)
    with torch.no_grad():
        return view.augment(pixels, points, side)


def _plain(view: Any, pixels: Tensor) -> Any:
    seed_globally(1)
    with torch.no_grad():
        return view.plain(pixels)


def _views(subject: Subject, pixels: Tensor, points: Tensor) -> Iterator[tuple[str, Any]]:
    view = subject.on(pixels.device.type)
    for side in SIDES:
        yield f"augment(…, {side!r})", _augmented(view, pixels, points, side)
    yield "plain", _plain(view, pixels)


def _member(call: str) -> str:
    """The part of a call that both sides have in common.

    >>> _member("augment(…, 'b')")
    'augment'
    """
    return call.partition("(")[0]


def _calls(subject: Subject) -> list[Call]:
    count = 3
    pixels, points = images(count), landmarks(count)
    augment: list[Callable[[Any], Any]] = [
        partial(_augmented, pixels=pixels, points=points, side=side) for side in (*SIDES, "a")
    ]
    return [*(("augment", call) for call in augment), ("plain", partial(_plain, pixels=pixels))]


RULES = (
    picklable,
    sizes,
    finite,
    input_unchanged,
    reproducible,
    plain,
    keeps_nothing(_calls),
    frozen,
)
