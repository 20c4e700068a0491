"""HardNeg: negatives are frames of the same clip a long time away (Shu et al., BMVC 2022, section 3.2)."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ssltoolbox.api import Descriptor, NegativeSamplerOptions, Problem, Setting, hookimpl


class HardNegOptions(NegativeSamplerOptions):
    """How far in time a hard negative must be."""

    gap: float = Field(default=2.88, gt=0)
    """Least seconds between the anchor and a hard negative: twelve frames at the paper's 25/6 per second."""

    choose: Literal["any", "changed"] = "any"
    """`any` frame that is far enough away, as in the paper, or of several the one whose eyes and mouth `changed`
    most: a gap in time alone is not yet another expression. `changed` needs landmarks."""

    candidates: int = Field(default=8, ge=2, le=256)
    """Frames among which `changed` chooses."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        data = setting.data
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
        summary="Frames of the same clip a long time away: same person, other expression.",
        options=HardNegOptions,
        target="ssltoolbox_hard_neg.sampler:HardNeg",
        api=2,
    )
