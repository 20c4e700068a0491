"""GlobalThreshold: each anchor learns the similarity above which a candidate is a false negative."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, Problem, Setting, hookimpl


class GlobalThresholdOptions(Options):
    """How thresholds are learned, and what is done with false negatives."""

    alpha: float = Field(default=0.01, gt=0, lt=1)
    """α: the share of all negatives of an anchor that is above its threshold."""
    per: Literal["clip", "frame"] = "clip"
    """Whether each clip or each frame has its own threshold. A frame is seen much less often than its clip, so
    its threshold needs many epochs."""
    lr: float = Field(default=0.05, gt=0)
    """Learning rate of the thresholds, for Adam."""
    warmup_steps: int = Field(default=0, ge=0)
    """Nothing is masked in the first steps. The thresholds are learned from the first step."""
    attract: float = Field(default=0.0, ge=0)
    """Weight of the attraction to false negatives; with 0 they are only removed from the denominator."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        yield from setting.warmup_problems(self.warmup_steps, "nothing is masked")


@hookimpl
def ssltoolbox_negative_maskers() -> Iterator[Descriptor]:
    yield Descriptor(
        name="global_threshold",
        summary="Each anchor learns a threshold for false negatives (GloFND, Balmaseda et al. 2025).",
        options=GlobalThresholdOptions,
        target="ssltoolbox_global_threshold.masker:GlobalThreshold",
        api=2,
    )
