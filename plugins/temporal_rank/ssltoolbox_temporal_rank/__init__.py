"""TemporalRank: frames of a clip that are nearer in time are nearer in feature."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ssltoolbox.api import AuxiliaryLossOptions, Descriptor, Problem, Setting, hookimpl


class TemporalRankOptions(AuxiliaryLossOptions):
    """How frames of a clip are ranked."""

    form: Literal["hinge", "contrast"] = "hinge"
    """`hinge` compares distances within a clip; `contrast` is a ranked InfoNCE, with other clips as negatives."""
    margin: float = Field(default=0.03, ge=0)
    """δ of `hinge`: a frame that is later in the ranking must be farther away by this squared distance."""
    temperatures: tuple[float, float] = (0.1, 0.15)
    """τ of `contrast` for the pair, and for other frames of the clip."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if min(self.temperatures) <= 0:
            yield Problem("temperatures", "a temperature is not above 0", "write two positive numbers")
        if not setting.hard_negatives:
            yield Problem(
                "form",
                "a sample has only one pair of frames, so that there is little to rank in a clip",
                "add a negative sampler that takes more frames of the clip, such as hard_neg",
                warning=True,
            )


@hookimpl
def ssltoolbox_auxiliary_losses() -> Iterator[Descriptor]:
    yield Descriptor(
        name="temporal_rank",
        summary="Frames that are nearer in time get more similar features (Lu et al. 2020; Hoffmann et al. 2022).",
        options=TemporalRankOptions,
        target="ssltoolbox_temporal_rank.loss:TemporalRank",
        api=2,
    )
