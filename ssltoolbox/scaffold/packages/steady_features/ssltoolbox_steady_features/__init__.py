"""SteadyFeatures: frames that are near in time get similar features."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import AuxiliaryLossOptions, Descriptor, hookimpl


class SteadyFeaturesOptions(AuxiliaryLossOptions):
    """Which frames are near in time."""

    seconds: float = Field(default=1.0, ge=0)
    """Largest distance of two frames of a clip that count as near, in seconds."""


@hookimpl
def ssltoolbox_auxiliary_losses() -> Iterator[Descriptor]:
    yield Descriptor(
        name="steady_features",
        summary="Frames that are near in time get similar features.",
        options=SteadyFeaturesOptions,
        target="ssltoolbox_steady_features.loss:SteadyFeatures",
        api=2,
    )
