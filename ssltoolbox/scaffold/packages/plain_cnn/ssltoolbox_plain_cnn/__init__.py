"""PlainCNN: a small convolutional network."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import BackboneDescriptor, Options, hookimpl


class PlainCNNOptions(Options):
    """How large the network is."""

    width: int = Field(default=16, ge=1)
    """Channels of the first convolution. Each convolution has twice as many channels as the one before."""

    depth: int = Field(default=3, ge=1, le=8)
    """Number of convolutions. Each one halves the height and width of the image."""


@hookimpl
def ssltoolbox_backbones() -> Iterator[BackboneDescriptor]:
    yield BackboneDescriptor(
        name="plain_cnn",
        summary="Convolutions with batch norm, then the mean over the image.",
        options=PlainCNNOptions,
        target="ssltoolbox_plain_cnn.network:PlainCNN",
        api=2,
    )
