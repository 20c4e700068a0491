"""SamePerson: the positive is a frame of another clip of the same person."""

from collections.abc import Iterator
from typing import Literal

from ssltoolbox.api import Descriptor, Options, Problem, Setting, hookimpl


class SamePersonOptions(Options):
    """What happens to people with a single clip."""

    alone: Literal["clip", "skip"] = "clip"
    """For a person with a single clip: `clip` uses another frame of this clip, `skip` replaces the sample by
    one of another clip."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        data = setting.data
        if data and data.identities >= data.clips:
            yield Problem(
                "",
                "every identity of the data has a single clip",
                "choose data with several clips of a person",
                warning=self.alone == "clip",
            )


@hookimpl
def ssltoolbox_positive_generators() -> Iterator[Descriptor]:
    yield Descriptor(
        name="same_person",
        summary="The positive is a frame of another clip of the same person.",
        options=SamePersonOptions,
        target="ssltoolbox_same_person.generator:SamePerson",
        api=2,
    )
