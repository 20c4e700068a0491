"""Decoupled contrastive learning: the positive is not in the denominator (Yeh et al., ECCV 2022)."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import MethodDescriptor, Options, hookimpl


class DCLOptions(Options):
    """Settings of decoupled contrastive learning. The defaults are those of lightly; the head is the same as in
    SimCLR."""

    temperature: float = Field(default=0.1, gt=1e-6)
    """τ of the loss."""
    sigma: float | None = Field(default=None, gt=1e-6)
    """σ of the weights of positives (DCLW): less similar pairs get larger weights. The paper uses 0.5. null
    gives equal weights (DCL)."""
    hidden_dim: int = Field(default=2048, ge=1)
    """Width of the projection head's hidden layer."""
    output_dim: int = Field(default=128, ge=1)
    """Size of the embedding that the loss compares."""
    batch_norm: bool = True
    """Batch norm in the projection head."""


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="dcl",
        summary="SimCLR with the positive left out of the denominator (Yeh et al. 2022).",
        options=DCLOptions,
        target="ssltoolbox_dcl.method:DCL",
        negatives="batch",
        weights=True,
        api=2,
    )
