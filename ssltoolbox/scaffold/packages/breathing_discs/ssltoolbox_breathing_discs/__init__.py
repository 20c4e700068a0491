"""BreathingDiscs: drawn clips of discs, without faces."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import DataFacts, DatasetOptions, Descriptor, hookimpl

FRAMES = 20
FPS = 5.0
SIZE = 32


class BreathingDiscsOptions(DatasetOptions):
    """How much there is."""

    people: int = Field(default=16, ge=2)
    """How many people there are in each split, with a clip each."""

    def facts(self) -> DataFacts:
        return DataFacts(
            clips=self.people,
            identities=self.people,
            frames=FRAMES * self.people,
            fps=FPS,
            size=SIZE,
            shortest=FRAMES,
            longest=FRAMES,
        )


@hookimpl
def ssltoolbox_datasets() -> Iterator[Descriptor]:
    yield Descriptor(
        name="breathing_discs",
        summary="A disc for each person, which breathes; no faces.",
        options=BreathingDiscsOptions,
        target="ssltoolbox_breathing_discs.dataset:BreathingDiscs",
        api=2,
    )
