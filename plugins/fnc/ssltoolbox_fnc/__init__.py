"""FNC: false negatives are found by the similarity of the features that are being learned."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import AuxiliaryLossOptions, Descriptor, Options, Problem, Setting, hookimpl


class FoundOptions(Options):
    """How false negatives are found."""

    top_k: int = Field(default=1, ge=1)
    """A row has at most this many false negatives."""
    threshold: float = Field(default=0.7, ge=-1, lt=1)
    """A false negative is more similar to the row than this, as a cosine."""
    warmup_steps: int = Field(default=0, ge=0)
    """Nothing is found in the first steps, because the similarity of an untrained network means little."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        yield from setting.warmup_problems(self.warmup_steps, "no false negative is found")


class FNCOptions(FoundOptions):
    """How false negatives are found, and what is done with them."""

    attract: float = Field(default=0.0, ge=0)
    """Weight of the attraction to false negatives; with 0 they are only removed from the denominator."""


class FNCAttractionOptions(FoundOptions, AuxiliaryLossOptions):
    """The published attraction. With weight 1 and the method's temperature the sum is the published loss."""

    temperature: float | None = Field(default=None, gt=0)
    """τ of the attraction; null takes the temperature of the method's loss."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        yield from super().problems(setting)
        if self.temperature is None and setting.temperature is None:
            yield Problem(
                "temperature", "the method has no temperature", "write one, such as temperature: 0.1"
            )


@hookimpl
def ssltoolbox_negative_maskers() -> Iterator[Descriptor]:
    yield Descriptor(
        name="fnc",
        summary="The most similar candidates are false negatives (Huynh et al. 2022).",
        options=FNCOptions,
        target="ssltoolbox_fnc.masker:FNC",
        api=2,
    )


@hookimpl
def ssltoolbox_auxiliary_losses() -> Iterator[Descriptor]:
    yield Descriptor(
        name="fnc_attraction",
        summary="The most similar candidates become additional positives (Huynh et al. 2022).",
        options=FNCAttractionOptions,
        target="ssltoolbox_fnc.attraction:FNCAttraction",
        api=2,
    )
