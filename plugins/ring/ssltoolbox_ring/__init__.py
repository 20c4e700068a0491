"""Ring: only negatives between two percentiles of similarity count."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, Problem, Setting, hookimpl


class RingOptions(Options):
    """Which negatives are used, by their rank in similarity to the row."""

    inner: float = Field(default=0.01, ge=0, lt=1)
    """This share of the negatives, the most similar ones, is left out, because they may be false negatives."""
    outer: float = Field(default=0.1, gt=0, le=1)
    """Negatives beyond this share, the least similar ones, are left out, because they are too easy."""
    anneal_steps: int = Field(default=0, ge=0)
    """The outer share falls from 1 to `outer` over this number of optimiser steps."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if self.inner >= self.outer:
            yield Problem(
                "inner",
                f"no negative is between {self.inner:g} and {self.outer:g}",
                "use a smaller inner share",
            )
        if self.anneal_steps > setting.steps > 0:
            yield Problem(
                "anneal_steps",
                f"the run has only {setting.steps} steps, so that the outer share does not reach {self.outer:g}",
                "use fewer steps",
                warning=True,
            )


@hookimpl
def ssltoolbox_negative_maskers() -> Iterator[Descriptor]:
    yield Descriptor(
        name="ring",
        summary="Only candidates of medium similarity are negatives (Wu et al. 2021).",
        options=RingOptions,
        target="ssltoolbox_ring.masker:Ring",
        api=2,
    )
