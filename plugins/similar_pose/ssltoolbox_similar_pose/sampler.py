"""The sampler. It compares some frames of other people, and chooses those with the most similar pose."""

from __future__ import annotations

import numpy as np

from ssltoolbox.api import Catalogue, Clip, NegativeSampler, Pick
from ssltoolbox_similar_pose import SimilarPoseOptions
from ssltoolbox_similar_pose.pose import angles, rotations

TRIES = 4
"""Clips drawn for each candidate: some are of the same person, or have no landmarks."""


class SimilarPose(NegativeSampler[SimilarPoseOptions]):
    """`count` frames of other people, the most similar pose first; none for an anchor without landmarks."""

    def pick(self, clip: Clip, anchor: int, rng: np.random.Generator) -> list[Pick]:
        if clip.landmarks is None or clip.catalogue is None:
            return []
        (pose,) = rotations(clip.landmarks[[anchor]])
        if np.isnan(pose).any():
            return []
        found = self._candidates(clip.catalogue, clip.identity, rng)
        if not found:
            return []
        differences = angles(pose, rotations(np.stack([landmarks for _, landmarks in found])))
        nearest = np.argsort(differences, kind="stable")[: self.options.count]
        return [found[index][0] for index in nearest]

    def _candidates(
        self, catalogue: Catalogue, identity: int, rng: np.random.Generator
    ) -> list[tuple[Pick, np.ndarray]]:
        """Distinct frames of other people that have landmarks, and these landmarks [68, 2]."""
        wanted = max(self.options.candidates, self.options.count)
        found: dict[tuple[int, int], np.ndarray] = {}
        for index in rng.integers(len(catalogue), size=TRIES * wanted).tolist():
            other = catalogue.clip(index)
            where = rng.random()
            if other.identity == identity or other.landmarks is None:
                continue
            frame = int(where * len(other))
            landmarks = other.landmarks[frame]
            if not np.isnan(landmarks).any():
                found[index, frame] = landmarks
            if len(found) == wanted:
                break
        return [(Pick(frame, clip=index), landmarks) for (index, frame), landmarks in found.items()]
