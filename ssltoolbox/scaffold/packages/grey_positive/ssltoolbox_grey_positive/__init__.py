"""GreyPositive: now and then the positive has no colour."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, hookimpl


class GreyPositiveOptions(Options):
    """How often."""

    p: float = Field(default=0.5, ge=0, le=1)
    """Probability that a positive is grey."""


@hookimpl
def ssltoolbox_positive_generators() -> Iterator[Descriptor]:
    yield Descriptor(
        name="grey_positive",
        summary="Now and then the positive has no colour.",
        options=GreyPositiveOptions,
        target="ssltoolbox_grey_positive.generator:GreyPositive",
        api=2,
    )
