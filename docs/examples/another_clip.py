"""A positive from another clip of the same person."""

from ssltoolbox.api import Descriptor, Pick, PositiveGenerator, hookimpl


class AnotherClip(PositiveGenerator):
    """The positive is a frame of another clip of the person; people with a single clip are left out."""

    def pick(self, clip, frame, rng):
        other = clip.another_of_person(rng)
        if other is None:
            return None
        return Pick(clip=other.index, frame=int(rng.integers(len(other))))


@hookimpl
def ssltoolbox_positive_generators():
    yield Descriptor(
        name="another_clip",
        summary="The positive is a frame of another clip of the person.",
        target=f"{__name__}:AnotherClip",
        api=2,
    )
