"""SimilarPose: hard negatives are frames of other people with a similar head pose."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, NegativeSamplerOptions, Problem, Setting, hookimpl


class SimilarPoseOptions(NegativeSamplerOptions):
    """How the sampler searches."""

    candidates: int = Field(default=16, ge=1, le=256)
    """Number of random frames of other people that are compared. The ones with the most similar pose become
    hard negatives. At least `count` are compared."""

    def problems(self, setting: Setting) -> Iterator[Problem]:
        if setting.data and setting.data.identities < 2:
            yield Problem("", "the data has a single identity, and hard negatives are of another one")


@hookimpl
def ssltoolbox_negative_samplers() -> Iterator[Descriptor]:
    yield Descriptor(
        name="similar_pose",
        summary="Hard negatives are frames of other people with a similar head pose.",
        options=SimilarPoseOptions,
        target="ssltoolbox_similar_pose.sampler:SimilarPose",
        needs=frozenset({"landmarks"}),
        api=2,
    )
