"""A masker that learns what similarity is usual, and masks what is unusually similar."""

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from ssltoolbox.api import Descriptor, MaskerAnswer, NegativeMasker, Options, hookimpl


class UsualSimilarityOptions(Options):
    """What is unusual."""

    deviations: float = Field(default=2.0, ge=0)
    """A candidate is masked if its similarity is this many standard deviations above the mean."""
    decay: float = Field(default=0.99, ge=0, lt=1)
    """How much of the running mean is kept at each step."""
    attract: float = Field(default=0.0, ge=0)
    """Weight of the loss that draws a row to what was masked for it."""


class UsualSimilarity(NegativeMasker[UsualSimilarityOptions], nn.Module):
    """Keeps running moments of the similarity of rows of different draws."""

    needs_similarity = True

    def __init__(self, options):
        super().__init__(options)
        self.attract = options.attract
        self.register_buffer("mean", torch.tensor(0.0))
        self.register_buffer("square", torch.tensor(1.0))

    def answer(self, comparison):
        deviation = (self.square - self.mean.square()).clamp(min=0).sqrt()
        threshold = self.mean + self.options.deviations * deviation
        return MaskerAnswer(masked=comparison.similarity > threshold, terms={"threshold": threshold})

    def update(self, rows, embeddings):
        unit = F.normalize(embeddings.float(), dim=1)
        similarity = (unit @ unit.T)[rows.draw[:, None] != rows.draw]
        self.mean.lerp_(similarity.mean(), 1 - self.options.decay)
        self.square.lerp_(similarity.square().mean(), 1 - self.options.decay)


@hookimpl
def ssltoolbox_negative_maskers():
    yield Descriptor(
        name="usual_similarity",
        summary="Candidates that are unusually similar are no negatives.",
        options=UsualSimilarityOptions,
        target=f"{__name__}:UsualSimilarity",
        api=2,
    )
