"""NearInTime: frames of the anchor's clip that are close in time are false negatives."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, Problem, Setting, hookimpl


class NearInTimeOptions(Options):
    """Which frames are near, and how strongly they attract."""

    gap: float = Field(default=1.44, gt=0)
    """A frame of the same clip that is nearer in time than this many seconds is a false negative."""
    attract: float = Field(default=0.0, ge=0)
    """Weight of the attraction to false negatives. With 0, they are only removed from the denominator."""

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
        summary="Candidates of the anchor's clip that are close in time are false negatives.",
        options=NearInTimeOptions,
        target="ssltoolbox_near_in_time.masker:NearInTime",
        api=2,
    )
