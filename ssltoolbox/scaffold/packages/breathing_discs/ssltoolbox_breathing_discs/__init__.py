"""BreathingDiscs: drawn clips of discs, without faces."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import DataFacts, DatasetOptions, Descriptor, hookimpl

FRAMES = 20
FPS = 5.0
SIZE = 32


class BreathingDiscsOptions(DatasetOptions):
    """The size of the dataset."""

    people: int = Field(default=16, ge=2)
    """Number of people in each split. Each has one clip."""

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
        summary="Drawn discs that grow and shrink, without faces.",
        options=BreathingDiscsOptions,
        target="ssltoolbox_breathing_discs.dataset:BreathingDiscs",
        api=2,
    )
