"""TimeAug: the positive is a frame shortly before or after (Shu et al., BMVC 2022, section 3.1)."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from ssltoolbox.api import DataFacts, Descriptor, Options, Problem, Setting, hookimpl

PAPER_OFFSETS = (0.48, 0.72, 0.96, 1.2, 1.44)
"""Two to six frames at the 25/6 frames per second of the paper."""


class TimeAugOptions(Options):
    """How far in time the positive may be."""

    offsets: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = PAPER_OFFSETS
    """Possible times between a frame and its positive, in seconds. One of them and a direction are chosen at
    random for each frame."""
    weighting: Literal["decreasing", "uniform", "increasing"] = "decreasing"
    """Probabilities of the offsets, from the smallest to the largest: `decreasing` (5:4:3:2:1 for five offsets),
    `uniform`, or `increasing` (1:2:3:4:5)."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if setting.data and (reason := self._too_coarse(setting.data)):
            yield Problem("offsets", reason, "use larger offsets, or data with more frames per second")

    def _too_coarse(self, data: DataFacts) -> str:
        if max(self.offsets) < 0.5 / data.fps:
            return f"all offsets are below half the time between two frames ({1 / data.fps:.3g} s)"
        return ""


@hookimpl
def ssltoolbox_positive_generators() -> Iterator[Descriptor]:
    yield Descriptor(
        name="time_aug",
        summary="The positive is a frame shortly before or after, in the same clip.",
        options=TimeAugOptions,
        target="ssltoolbox_time_aug.generator:TimeAug",
        api=2,
    )
