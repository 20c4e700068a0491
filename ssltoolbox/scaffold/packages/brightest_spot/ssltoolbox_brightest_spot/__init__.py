"""BrightestSpot: landmarks around the brightest pixel of an image."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, hookimpl


class BrightestSpotOptions(Options):
    """Settings of the circle, and of dark images."""

    radius: float = Field(default=5.0, gt=0)
    """Radius of the circle, in pixels."""
    dark: float = Field(default=10.0, ge=0, le=255)
    """If no pixel is at least this bright, from 0 to 255, the image has no face."""


@hookimpl
def ssltoolbox_landmark_detectors() -> Iterator[Descriptor]:
    yield Descriptor(
        name="brightest_spot",
        summary="A circle around the brightest pixel.",
        options=BrightestSpotOptions,
        target="ssltoolbox_brightest_spot.detector:BrightestSpot",
        api=2,
    )
