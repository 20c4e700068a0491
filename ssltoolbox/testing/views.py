"""Rules for views."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ssltoolbox.api import Side, ViewOptions
from ssltoolbox.testing.card import picklable
from ssltoolbox.testing.material import images, landmarks
from ssltoolbox.testing.rules import Breach, Subject, devices, rule, same, seed_globally, shape_of

SIZES = (32, 56)
"""Sizes of views to try, smaller and larger than the images."""
SIDES: tuple[Side, ...] = ("a", "b")


@rule("images of the size asked for")
def sizes(subject: Subject) -> None:
    for size in SIZES:
        resized = _with_size(subject, size)
        for pixels, points in _given():
            wanted = [len(pixels), 3, size, size]
            for name, found in _views(resized, pixels, points):
                if not isinstance(found, Tensor) or list(found.shape) != wanted:
                    raise Breach(
                        f"`{subject.name}.{name}` must give {wanted} with size: {size}, it gave "
                        f"{shape_of(found)}: resize to `options.size`"
                    )
                if found.dtype != torch.float32 or found.device != pixels.device:
                    raise Breach(
                        f"`{subject.name}.{name}` must give float32 on {pixels.device}, it gave "
                        f"{shape_of(found)} on {found.device}"
                    )


@rule("every pixel is a number")
def finite(subject: Subject) -> None:
    for pixels, points in _given():
        for name, found in _views(subject, pixels, points):
            if not found.isfinite().all():
                raise Breach(
                    f"`{subject.name}.{name}` gave pixels that are NaN or infinite, "
                    f"{'without' if points.isnan().any() else 'with'} landmarks: landmarks are NaN where a "
                    "frame has none"
                )


@rule("images are left as they are")
def input_unchanged(subject: Subject) -> None:
    for pixels, points in _given():
        before = pixels.clone(), points.clone()
        for name, _ in _views(subject, pixels, points):
            if not (same(before[0], pixels) and same(before[1], points)):
                raise Breach(f"`{subject.name}.{name}` changed the images it was given: work on a copy")


@rule("the same seed, the same views")
def reproducible(subject: Subject) -> None:
    for pixels, points in _given():
        view = subject.on(pixels.device.type)
        for side in SIDES:
            found = []
            for _ in range(2):
                seed_globally(1)
                found.append(view.augment(pixels, points, side))
            if not same(*found):
                raise Breach(
                    f"`{subject.name}.augment` gave other pixels with the same seed of torch: draw from torch's "
                    "global generator alone, and keep nothing between calls"
                )


@rule("plain draws nothing")
def plain(subject: Subject) -> None:
    for pixels, _ in _given():
        view = subject.on(pixels.device.type)
        seed_globally(1)
        together = view.plain(pixels)
        seed_globally(2)
        alone = torch.cat([view.plain(one[None]) for one in pixels])
        if not torch.allclose(together, alone, rtol=1e-4, atol=1e-4):
            raise Breach(
                f"`{subject.name}.plain` gave another picture when asked again, or beside other images: it is "
                "for evaluation, resize and normalise only"
            )


def _with_size(subject: Subject, size: int) -> Subject:
    options = subject.options
    assert isinstance(options, ViewOptions)
    resized = options.model_copy(update={"size": size})
    return Subject(subject.kind, subject.card, subject.module, resized, subject.target)


def _given() -> Iterator[tuple[Tensor, Tensor]]:
    """Images and landmarks: several, one, and without any landmarks, on every device."""
    for device in devices():
        for count, known in ((5, True), (1, True), (3, False)):
            points = landmarks(count) if known else torch.full((count, 68, 2), torch.nan)
            yield images(count).to(device), points.to(device)


def _views(subject: Subject, pixels: Tensor, points: Tensor) -> Iterator[tuple[str, Tensor]]:
    view = subject.on(pixels.device.type)
    seed_globally(1)
    with torch.no_grad():
        for side in SIDES:
            yield f"augment(…, {side!r})", view.augment(pixels, points, side)
        yield "plain", view.plain(pixels)


RULES = (picklable, sizes, finite, input_unchanged, reproducible, plain)
