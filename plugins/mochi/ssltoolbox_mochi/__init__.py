"""MoCHi: further negatives are mixed from the hardest ones."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, Problem, Setting, hookimpl


class MoCHiOptions(Options):
    """What is mixed, and how much of it."""

    hardest: int = Field(default=1024, ge=1)
    """N: the candidates most similar to a row, from which its synthetic negatives are mixed."""
    pairs: int = Field(default=1024, ge=0)
    """s: synthetic negatives of a row that are mixed from two of its hardest candidates."""
    with_row: int = Field(default=128, ge=0)
    """s': synthetic negatives of a row that are mixed from the row itself and one of its hardest candidates."""
    warmup_steps: int = Field(default=0, ge=0)
    """No negatives are added in the first steps, because the similarity of an untrained network means little."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if not self.pairs + self.with_row:
            yield Problem("pairs", "no negative is added", "write pairs or with_row above 0")
        yield from setting.warmup_problems(self.warmup_steps, "no negative is added")


@hookimpl
def ssltoolbox_negative_maskers() -> Iterator[Descriptor]:
    yield Descriptor(
        name="mochi",
        summary="Adds negatives that are mixed from the hardest ones (Kalantidis et al. 2020).",
        options=MoCHiOptions,
        target="ssltoolbox_mochi.masker:MoCHi",
        api=2,
    )
