"""Hard negatives of other people, with a mouth that is open as wide as the anchor's."""

import numpy as np
from pydantic import Field

from ssltoolbox.api import Descriptor, NegativeSampler, NegativeSamplerOptions, Pick, hookimpl


class SomebodyElseOptions(NegativeSamplerOptions):
    """Where similar frames are looked for."""

    clips: int = Field(default=4, ge=1)
    """Clips of other people that are looked at for each anchor."""


class SomebodyElse(NegativeSampler[SomebodyElseOptions]):
    """Looks at some clips of other people, and takes the frames with the most similar mouth."""

    def pick(self, clip, anchor, rng):
        others = np.flatnonzero(clip.catalogue.identities != clip.identity)
        chosen = rng.choice(others, min(self.options.clips, len(others)), replace=False)
        wanted = openings(clip)[anchor]
        picks = [pick for number in chosen for pick in self.of_clip(clip.catalogue.clip(int(number)), wanted)]
        return sorted(picks, key=lambda pick: pick.found["difference"])[: self.options.count]

    def of_clip(self, clip, wanted):
        """The most similar frames of a clip, and how much their mouths differ."""
        differences = np.abs(openings(clip) - wanted)
        for frame in np.argsort(differences)[: self.options.count]:
            if not np.isnan(differences[frame]):
                yield Pick(clip=clip.index, frame=int(frame), found={"difference": float(differences[frame])})


def openings(clip):
    """[frames] the height of the mouth over its width; NaN where a frame has no landmarks."""
    if clip.landmarks is None:
        return np.full(len(clip), np.nan)
    points = clip.landmarks
    return np.linalg.norm(points[:, 57] - points[:, 51], axis=1) / np.linalg.norm(
        points[:, 54] - points[:, 48], axis=1
    )


@hookimpl
def ssltoolbox_negative_samplers():
    yield Descriptor(
        name="somebody_else",
        summary="Frames of other people with a similar mouth.",
        options=SomebodyElseOptions,
        target=f"{__name__}:SomebodyElse",
        needs=frozenset({"landmarks"}),
        api=2,
    )
