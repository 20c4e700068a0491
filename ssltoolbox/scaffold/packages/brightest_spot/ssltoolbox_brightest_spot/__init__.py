"""BrightestSpot: landmarks around the brightest place of an image."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, hookimpl


class BrightestSpotOptions(Options):
    """What is found, and what is not."""

    radius: float = Field(default=5.0, gt=0)
    """Of the circle, in pixels."""
    dark: float = Field(default=10.0, ge=0, le=255)
    """Below this brightness, of 255, there is no face."""


@hookimpl
def ssltoolbox_landmark_detectors() -> Iterator[Descriptor]:
    yield Descriptor(
        name="brightest_spot",
        summary="A circle around the brightest place.",
        options=BrightestSpotOptions,
        target="ssltoolbox_brightest_spot.detector:BrightestSpot",
        api=2,
    )
