"""SimSiam: each view predicts the other one's projection."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import MethodDescriptor, Options, hookimpl


class SimSiamOptions(Options):
    """The sizes of the heads."""

    hidden_dim: int = Field(default=512, ge=1)
    """Width of the hidden layer of the prediction head."""
    output_dim: int = Field(default=2048, ge=1)
    """Size of the embeddings that are compared."""


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="simsiam",
        summary="Each view predicts the projection of the other one, without negatives.",
        options=SimSiamOptions,
        target="ssltoolbox_simsiam.method:SimSiam",
        negatives=None,
        api=2,
    )
