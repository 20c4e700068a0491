"""GreyPositive: some positives have no colour."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, hookimpl


class GreyPositiveOptions(Options):
    """How often a positive is grey."""

    p: float = Field(default=0.5, ge=0, le=1)
    """Probability that a positive is grey."""


@hookimpl
def ssltoolbox_positive_generators() -> Iterator[Descriptor]:
    yield Descriptor(
        name="grey_positive",
        summary="Some positives have no colour.",
        options=GreyPositiveOptions,
        target="ssltoolbox_grey_positive.generator:GreyPositive",
        api=2,
    )
