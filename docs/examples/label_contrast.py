"""Supervised contrast: Khosla et al., Supervised Contrastive Learning, NeurIPS 2020."""

import torch
import torch.nn.functional as F
from lightly.models.modules import SimCLRProjectionHead
from lightly.utils import dist
from pydantic import Field
from torch import nn

from ssltoolbox.api import MethodDescriptor, Options, StepOutput, hookimpl
from ssltoolbox.losses import gather_rows


class LabelContrastOptions(Options):
    """The settings of supervised contrast; the defaults are the paper's."""

    label: str = "expression"
    """The label whose classes are drawn together. A row without a class has its pair alone."""
    temperature: float = Field(default=0.1, gt=0)
    """τ of the loss."""
    output_dim: int = Field(default=128, ge=1)
    """Size of the embedding."""

    def also_needs(self):
        return frozenset({f"label:{self.label}"})


class LabelContrast(nn.Module):
    """Each row is drawn to all rows of its class, of both sides and of all ranks, and away from the others."""

    def __init__(self, options, context):
        super().__init__()
        self.options, self.context = options, context
        self.backbone = context.backbone
        self.head = SimCLRProjectionHead(context.feature_dim, context.feature_dim, options.output_dim)

    def step(self, inputs):
        sides = [F.normalize(self.head(self.backbone(view)), dim=1).float() for view in inputs.views]
        rows, candidates, everyone = inputs.rows, inputs.rows, sides
        if self.context.distributed:
            candidates = gather_rows(rows[: len(rows) // 2]) + gather_rows(rows[len(rows) // 2 :])
            everyone = [torch.cat(dist.gather(side)) for side in sides]
        similarity = torch.cat(sides) @ torch.cat(everyone).T / self.options.temperature
        loss = self.contrast(similarity, self.is_positive(rows, candidates), self.is_other(similarity))
        return StepOutput(loss, embeddings=sides[0], pairs=sides[1])

    def is_positive(self, rows, candidates):
        """[2M, 2G] bool: of the same class, or of the same draw."""
        classes, others = (each.labels[self.options.label] for each in (rows, candidates))
        same_class = (classes[:, None] == others) & (classes >= 0)[:, None]
        return same_class | (rows.draw[:, None] == candidates.draw)

    def is_other(self, similarity):
        """[2M, 2G] bool: not the row itself."""
        rows, columns = (count // 2 for count in similarity.shape)
        own = dist.rank() * rows + torch.arange(rows, device=similarity.device)
        own = torch.cat([own, own + columns])
        return torch.ones_like(similarity, dtype=torch.bool).scatter(1, own[:, None], False)

    @staticmethod
    def contrast(similarity, positive, other):
        """[] the mean over rows of -log p, averaged over the positives of a row."""
        log_share = similarity.masked_fill(~other, -torch.inf).log_softmax(dim=1)
        positive = positive & other
        return -(log_share.masked_fill(~positive, 0).sum(dim=1) / positive.sum(dim=1)).mean()


@hookimpl
def ssltoolbox_methods():
    yield MethodDescriptor(
        name="label_contrast",
        summary="Rows of the same class are drawn together (Khosla et al. 2020).",
        options=LabelContrastOptions,
        target=f"{__name__}:LabelContrast",
        negatives=None,
        api=2,
    )
