"""WarmRestarts: a cosine schedule with restarts."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, hookimpl


class WarmRestartsOptions(Options):
    """How often the rate falls."""

    cycles: int = Field(default=3, ge=1)
    """How often the rate falls. All cycles have the same length."""


@hookimpl
def ssltoolbox_schedules() -> Iterator[Descriptor]:
    yield Descriptor(
        name="warm_restarts",
        summary="Falls along half a cosine, and starts again several times.",
        options=WarmRestartsOptions,
        target="ssltoolbox_warm_restarts.schedule:WarmRestarts",
        api=2,
    )
