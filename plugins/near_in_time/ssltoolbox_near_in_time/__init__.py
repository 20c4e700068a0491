"""NearInTime: frames of the anchor's clip, close in time, are no negatives."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, Problem, Setting, hookimpl


class NearInTimeOptions(Options):
    """What is near, and what becomes of it."""

    gap: float = Field(default=1.44, gt=0)
    """Seconds; a frame of the same clip that is nearer in time than this is a false negative."""
    attract: float = Field(default=0.0, ge=0)
    """Weight of the loss's second term, which draws a row to its false negatives; 0 only cancels them."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if setting.data and self.gap < 1 / setting.data.fps:
            yield Problem(
                "gap",
                f"no two frames are nearer than {1 / setting.data.fps:.3g} s, so that only copies are masked",
                "use a larger gap",
                warning=True,
            )


@hookimpl
def ssltoolbox_negative_maskers() -> Iterator[Descriptor]:
    yield Descriptor(
        name="near_in_time",
        summary="Candidates of the anchor's clip, close in time, are false negatives.",
        options=NearInTimeOptions,
        target="ssltoolbox_near_in_time.masker:NearInTime",
        api=2,
    )
