"""SteadySGD: gradient descent with steps of equal length."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, hookimpl


class SteadySGDOptions(Options):
    """Settings of the direction of a step."""

    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Factor of the previous direction, which is added to the gradient."""


@hookimpl
def ssltoolbox_optimisers() -> Iterator[Descriptor]:
    yield Descriptor(
        name="steady_sgd",
        summary="Gradient descent with steps of equal length.",
        options=SteadySGDOptions,
        target="ssltoolbox_steady_sgd.optimiser:SteadySGD",
        api=2,
    )
