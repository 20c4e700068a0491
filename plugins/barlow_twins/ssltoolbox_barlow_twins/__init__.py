"""Barlow Twins: the dimensions of two views correlate one to one (Zbontar et al., ICML 2021)."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import MethodDescriptor, Options, hookimpl


class BarlowTwinsOptions(Options):
    """The settings of Barlow Twins; the defaults are those of the paper."""

    redundancy: float = Field(default=5e-3, ge=0)
    """λ, the weight of the squared correlations between different dimensions."""
    hidden_dim: int = Field(default=8192, ge=1)
    """Width of the projection head's two hidden layers."""
    output_dim: int = Field(default=8192, ge=2)
    """Size of the embeddings that the loss compares."""


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="barlow_twins",
        summary="Makes the cross-correlation matrix of the two sides the identity matrix (Zbontar et al. 2021).",
        options=BarlowTwinsOptions,
        target="ssltoolbox_barlow_twins.method:BarlowTwins",
        negatives=None,
        api=2,
    )
