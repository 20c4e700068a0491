"""The built-in views: their options, and the door that they come in by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from ssltoolbox.api import Descriptor, ViewOptions, hookimpl

Probability = Annotated[float, Field(ge=0, le=1)]
Strength = Annotated[float, Field(ge=0, lt=1)]


class StandardOptions(ViewOptions):
    """How strongly the two sides are augmented, alike on both."""

    crop: float = Field(default=0.5, gt=0, le=1)
    """Smallest side of the square crop, as a fraction of the image; it is drawn up to the whole image."""
    flip: Probability = 0.5
    """Probability that an image is mirrored."""
    brightness: Strength = 0.4
    """Brightness is multiplied by 1 ± this."""
    contrast: Strength = 0.4
    """Contrast, about the image's mean, is multiplied by 1 ± this."""
    saturation: Strength = 0.4
    """Saturation is multiplied by 1 ± this."""
    hue: float = Field(default=0.1, ge=0, le=0.5)
    """Hue is turned by ± this, in turns."""
    jitter: Probability = 0.8
    """Probability that an image's colours change at all."""
    grey: Probability = 0.2
    """Probability that an image loses its colours."""
    blur: Probability = 0.5
    """Probability that an image is blurred, by a Gaussian of 3×3 pixels with σ up to 2."""


@hookimpl
def ssltoolbox_views() -> Iterator[Descriptor]:
    yield Descriptor(
        name="standard",
        summary="Crop, flip, colour jitter, grey and blur, fused into one warp and one colour matrix.",
        options=StandardOptions,
        target="ssltoolbox.views.standard:StandardView",
        api=1,
    )
