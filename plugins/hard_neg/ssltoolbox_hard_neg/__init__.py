"""HardNeg: negatives are frames of the same clip a long time away (Shu et al., BMVC 2022, section 3.2)."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ssltoolbox.api import Descriptor, NegativeSamplerOptions, Problem, Setting, hookimpl


class HardNegOptions(NegativeSamplerOptions):
    """How far in time a hard negative must be."""

    gap: float = Field(default=2.88, gt=0)
    """Smallest time between the anchor and a hard negative, in seconds. The default is twelve frames at the
    paper's 25/6 frames per second."""

    choose: Literal["any", "changed"] = "any"
    """`any` picks any frame that is far enough away, as in the paper. `changed` picks the one of several such
    frames whose eyes and mouth differ most, because a frame far away in time can show the same expression.
    `changed` needs landmarks."""

    candidates: int = Field(default=8, ge=2, le=256)
    """Number of frames from which `changed` picks."""

    other_clips: bool = False
    """If the anchor's clip has fewer than `count` frames that are far enough away, the hard negatives come from
    another clip of the person. Without this, or without another clip, such an anchor is not used, so short clips
    are left out."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        data = setting.data
        if data and self.other_clips and data.clips > data.identities:
            return
        if data and (data.longest - 1) / data.fps < self.gap:
            yield Problem(
                "gap",
                f"no clip is long enough: the longest lasts {(data.longest - 1) / data.fps:.3g} s, "
                f"the gap is {self.gap:.3g} s",
                "use longer clips or a smaller gap",
            )

    def also_needs(self) -> frozenset[str]:
        return frozenset({"landmarks"} if self.choose == "changed" else ())


@hookimpl
def ssltoolbox_negative_samplers() -> Iterator[Descriptor]:
    yield Descriptor(
        name="hard_neg",
        summary="Hard negatives are frames of the same clip, far away in time.",
        options=HardNegOptions,
        target="ssltoolbox_hard_neg.sampler:HardNeg",
        api=2,
    )
