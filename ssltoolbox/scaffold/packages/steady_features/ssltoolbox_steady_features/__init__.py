"""SteadyFeatures: features of frames that are near in time should be near each other."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import AuxiliaryLossOptions, Descriptor, hookimpl


class SteadyFeaturesOptions(AuxiliaryLossOptions):
    """Which frames are near in time."""

    seconds: float = Field(default=1.0, ge=0)
    """How far apart two frames of a clip may be, in seconds."""


@hookimpl
def ssltoolbox_auxiliary_losses() -> Iterator[Descriptor]:
    yield Descriptor(
        name="steady_features",
        summary="Features of frames that are near in time are drawn together.",
        options=SteadyFeaturesOptions,
        target="ssltoolbox_steady_features.loss:SteadyFeatures",
        api=2,
    )
