"""The built-in views: their options, and the door that they come in by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, field_validator

from ssltoolbox.api import CropOptions, Descriptor, Problem, Setting, hookimpl

Probability = Annotated[float, Field(ge=0, le=1)]
Strength = Annotated[float, Field(ge=0, lt=1)]
Sigma = Annotated[float, Field(ge=0.01, le=100)]


class StandardOptions(CropOptions):
    """How strongly images are augmented. Both sides have the same settings."""

    crop: float = Field(default=0.5, gt=0, le=1)
    """Smallest side of the square crop, as a fraction of the image. The side is random between this and the
    whole image."""
    flip: Probability = 0.5
    """Probability that an image is mirrored."""
    brightness: Strength = 0.4
    """Brightness is multiplied by a random factor between 1 - this and 1 + this."""
    contrast: Strength = 0.4
    """Contrast, about the image's mean, is multiplied by a random factor between 1 - this and 1 + this."""
    saturation: Strength = 0.4
    """Saturation is multiplied by a random factor between 1 - this and 1 + this."""
    hue: float = Field(default=0.1, ge=0, le=0.5)
    """Hue is rotated by at most this in either direction; 1 is the whole colour circle."""
    jitter: Probability = 0.8
    """Probability that an image's colours change at all."""
    grey: Probability = 0.2
    """Probability that an image loses its colours."""
    blur: Probability = 0.5
    """Probability that an image is blurred, by a Gaussian of 3×3 pixels with σ up to 2."""


class PaperOptions(CropOptions):
    """The views of Shu et al. (BMVC 2022). The defaults are those of the paper, or of torchvision if the paper
    names none."""

    mask: Probability = 0.8
    """Probability that the mouth, the left eye or the right eye (with equal chances) is covered in an image
    with landmarks."""
    mask_margin: float = Field(default=10 / 224, ge=0, le=1)
    """Margin of the cover around the eye or the mouth, as a share of the frame's side: 10 of 224 pixels."""
    enlarge: float = Field(default=128 / 112, ge=1, le=4)
    """Images are resized to this many times `size`. Then a random square of `size` is cut out."""
    flip: Probability = 0.5
    """Probability that an image is mirrored."""
    jitter_a: Probability = 1.0
    """Probability that the colours of an image of side a, anchors and hard negatives, change at all."""
    jitter_b: Probability = 0.8
    """The same probability for side b, the positives."""
    brightness: Strength = 0.4
    """Brightness is multiplied by a random factor between 1 - this and 1 + this."""
    contrast: Strength = 0.4
    """Contrast, about the image's mean, is multiplied by a random factor between 1 - this and 1 + this."""
    saturation: Strength = 0.4
    """Saturation is multiplied by a random factor between 1 - this and 1 + this."""
    hue: float = Field(default=0.2, ge=0, le=0.5)
    """Hue is rotated by at most this in either direction; 1 is the whole colour circle."""
    blur: Probability = 0.5
    """Probability that an image is blurred."""
    blur_kernel: int = Field(default=3, ge=3, le=15)
    """Height and width of the Gaussian's kernel in pixels, an odd number."""
    blur_sigma: tuple[Sigma, Sigma] = (0.1, 2.0)
    """Range of the Gaussian's random σ, in pixels."""
    grey: Probability = 0.2
    """Probability that an image loses its colours."""

    @field_validator("blur_kernel")
    @classmethod
    def _is_odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError(
                f"the kernel must have a middle: write {kernel - 1} or {kernel + 1}, not {kernel}"
            )
        return kernel

    @field_validator("blur_sigma")
    @classmethod
    def _is_ordered(cls, sigma: tuple[float, float]) -> tuple[float, float]:
        if sigma[0] > sigma[1]:
            raise ValueError(f"the smaller σ comes first: write [{sigma[1]:g}, {sigma[0]:g}]")
        return sigma

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if self.mask and setting.data and not setting.data.landmarks:
            yield Problem(
                "mask",
                "the data has no landmarks, so that no eye or mouth is ever covered",
                "write mask: 0, or use data with landmarks",
                warning=True,
            )


@hookimpl
def ssltoolbox_views() -> Iterator[Descriptor]:
    yield Descriptor(
        name="standard",
        summary="Crop, flip, colour jitter, grey and blur, fused into one warp and one colour matrix.",
        options=StandardOptions,
        target="ssltoolbox.views.standard:StandardView",
        api=2,
    )
    yield Descriptor(
        name="paper",
        summary="An eye or the mouth covered, then crop, flip, colour jitter, blur and grey (Shu et al. 2022).",
        options=PaperOptions,
        target="ssltoolbox.views.paper:PaperView",
        api=2,
    )
