"""SteadySGD: gradient descent whose steps have one length."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, hookimpl


class SteadySGDOptions(Options):
    """How it remembers."""

    momentum: float = Field(default=0.9, ge=0, lt=1)
    """The share of the direction before that stays in the next one."""


@hookimpl
def ssltoolbox_optimisers() -> Iterator[Descriptor]:
    yield Descriptor(
        name="steady_sgd",
        summary="Gradient descent in which each tensor moves by one length.",
        options=SteadySGDOptions,
        target="ssltoolbox_steady_sgd.optimiser:SteadySGD",
        api=2,
    )
