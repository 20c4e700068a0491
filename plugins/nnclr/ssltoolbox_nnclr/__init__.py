"""NNCLR: positives are nearest neighbours in a support set of earlier embeddings (Dwibedi et al., ICCV 2021)."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import MethodDescriptor, Options, Problem, Setting, hookimpl


class NNCLROptions(Options):
    """Settings of NNCLR. The defaults are those of the paper, except for the size of the support set."""

    temperature: float = Field(default=0.1, gt=1e-6)
    """τ of the loss."""
    support: int = Field(default=65536, ge=1)
    """Number of embeddings in the support set. It must be divisible by the number of pairs that are compared at
    once."""
    hidden_dim: int = Field(default=2048, ge=1)
    """Width of the projection head's hidden layers."""
    prediction_dim: int = Field(default=4096, ge=1)
    """Width of the prediction head's hidden layer."""
    output_dim: int = Field(default=256, ge=1)
    """Size of the embedding that the loss compares."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        yield from setting.queue_problems("support", self.support, "support set")


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="nnclr",
        summary="The positive is the nearest neighbour among earlier embeddings (Dwibedi et al. 2021).",
        options=NNCLROptions,
        target="ssltoolbox_nnclr.method:NNCLR",
        negatives="batch",
        weights=True,
        api=2,
    )
