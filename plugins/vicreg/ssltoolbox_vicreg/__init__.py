"""VICReg: variance, invariance and covariance of embeddings (Bardes, Ponce and LeCun, ICLR 2022)."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import MethodDescriptor, Options, hookimpl


class VICRegOptions(Options):
    """Settings of VICReg. The defaults are those of the paper."""

    invariance: float = Field(default=25.0, ge=0)
    """λ, the weight of the squared distance between the two views of a pair."""
    variance: float = Field(default=25.0, ge=0)
    """μ, the weight of the term that keeps the standard deviation of each dimension above 1."""
    covariance: float = Field(default=1.0, ge=0)
    """ν, the weight of the squared covariances between dimensions."""
    hidden_dim: int = Field(default=8192, ge=1)
    """Width of the projection head's two hidden layers."""
    output_dim: int = Field(default=8192, ge=2)
    """Size of the embeddings that the loss compares."""


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="vicreg",
        summary="Pulls pairs together; keeps dimensions spread out and uncorrelated (Bardes et al. 2022).",
        options=VICRegOptions,
        target="ssltoolbox_vicreg.method:VICReg",
        negatives=None,
        api=2,
    )
