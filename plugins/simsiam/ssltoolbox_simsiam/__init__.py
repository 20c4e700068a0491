"""SimSiam: each view predicts the projection of the other view (Chen and He, CVPR 2021)."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import MethodDescriptor, Options, hookimpl


class SimSiamOptions(Options):
    """The sizes of the heads; the defaults are those of the paper."""

    output_dim: int = Field(default=2048, ge=1)
    """Size of the embeddings that are compared, and width of the projection head's hidden layers."""
    hidden_dim: int = Field(default=512, ge=1)
    """Width of the hidden layer of the prediction head; a quarter of `output_dim` in the paper."""


@hookimpl
def ssltoolbox_methods() -> Iterator[MethodDescriptor]:
    yield MethodDescriptor(
        name="simsiam",
        summary="Predicts the projection of the other view, without negatives (Chen & He 2021).",
        options=SimSiamOptions,
        target="ssltoolbox_simsiam.method:SimSiam",
        negatives=None,
        api=2,
    )
