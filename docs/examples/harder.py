"""Weights by similarity: Robinson et al., Contrastive Learning with Hard Negative Samples, ICLR 2021."""

import torch
from pydantic import Field

from ssltoolbox.api import Descriptor, MaskerAnswer, NegativeMasker, Options, hookimpl


class HarderOptions(Options):
    """How much more a similar negative counts."""

    beta: float = Field(default=1.0, ge=0)
    """β: 0 counts all negatives alike."""
    temperature: float = Field(default=0.1, gt=0)
    """τ of the method's loss."""
    differentiable: bool = True
    """Whether the gradient goes through the weights, as in the published code."""


class Harder(NegativeMasker[HarderOptions]):
    """A negative counts in proportion to e^(β·s/τ); the negatives of a row count as one each on average."""

    needs_similarity = True

    def __init__(self, options):
        super().__init__(options)
        self.differentiable = options.differentiable

    def answer(self, comparison):
        logits = self.options.beta / self.options.temperature * comparison.similarity.float()
        shares = logits.masked_fill(~comparison.negative, -torch.inf).softmax(dim=1)
        weights = shares * comparison.negative.sum(dim=1, keepdim=True)
        return MaskerAnswer(weights=weights.where(comparison.negative, 1.0).clamp(min=1e-6))


@hookimpl
def ssltoolbox_negative_maskers():
    yield Descriptor(
        name="harder",
        summary="Negatives with similar features get larger weights (Robinson et al. 2021).",
        options=HarderOptions,
        target=f"{__name__}:Harder",
        api=2,
    )
