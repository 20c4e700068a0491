"""PlainCNN: a small convolutional network."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import BackboneDescriptor, Options, hookimpl


class PlainCNNOptions(Options):
    """How large the network is."""

    width: int = Field(default=16, ge=1)
    """Channels of the first convolution; each one after it has twice as many."""

    depth: int = Field(default=3, ge=1, le=8)
    """Number of convolutions, each of which halves the image."""


@hookimpl
def ssltoolbox_backbones() -> Iterator[BackboneDescriptor]:
    yield BackboneDescriptor(
        name="plain_cnn",
        summary="Convolutions with batch norm, and the mean over the image.",
        options=PlainCNNOptions,
        target="ssltoolbox_plain_cnn.network:PlainCNN",
        api=2,
    )
