"""SwAV on lightly's heads, loss and memory bank."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from lightly.loss import SwaVLoss
from lightly.models.modules.heads import SwaVProjectionHead, SwaVPrototypes
from lightly.models.modules.memory_bank import MemoryBankModule
from lightly.utils import dist
from torch import Tensor, nn

from ssltoolbox.api import MethodContext, StepInputs, StepOutput
from ssltoolbox.losses import saved
from ssltoolbox.models import features_of_crops
from ssltoolbox_swav import SwAVOptions


class SwAV(nn.Module):
    """The two views are assigned to prototypes; all other images of the instance predict the assignment."""

    def __init__(self, options: SwAVOptions, context: MethodContext) -> None:
        super().__init__()
        self.backbone = context.backbone
        self.projection = SwaVProjectionHead(context.feature_dim, options.hidden_dim, options.output_dim)
        self.prototypes = _prototypes(options.output_dim, options.prototypes)
        self.loss = SwaVLoss(
            options.temperature, options.sinkhorn_iterations, options.epsilon, context.distributed
        )
        self.queues = nn.ModuleList(
            Queue(options.queue, options.output_dim, context.distributed)
            for _ in range(2 * bool(options.queue))
        )
        steps_per_epoch = max(1, context.steps_per_epoch)
        self._queue_from = options.queue_epochs * steps_per_epoch
        self._frozen_steps = options.frozen_epochs * steps_per_epoch

    def before_step(self, step: int) -> None:
        """Prototypes have the length 1."""
        self.prototypes.normalize()

    def step(self, inputs: StepInputs) -> StepOutput:
        """[M, 3, S, S] twice and local crops → the cross-entropy of swapped assignments.

        Assignments and loss are computed in single precision.
        """
        features = features_of_crops(self.backbone, (*inputs.views, *inputs.crops))
        embeddings = F.normalize(self.projection(features).float(), dim=1)
        count = len(inputs.view_a)
        side_a, side_b = embeddings[: 2 * count].split(count)
        with torch.autocast(embeddings.device.type, enabled=False):
            logits = self.prototypes(embeddings).split(count)
            queued = self._queued((side_a, side_b), in_use=inputs.step >= self._queue_from)
            loss = self.loss(list(logits[:2]), list(logits[2:]), queued)
        return StepOutput(loss.reshape(()), embeddings=side_a, pairs=side_b)

    def after_backward(self, step: int) -> None:
        """Freezes the prototypes in the first steps."""
        if step < self._frozen_steps:
            for parameter in self.prototypes.parameters():
                parameter.grad = None

    @torch.no_grad()
    def _queued(self, sides: tuple[Tensor, Tensor], in_use: bool) -> list[Tensor] | None:
        """Similarities of earlier embeddings to the prototypes, [K / ranks, prototypes] for each side.

        None before the queues are in use. The embeddings of this step enter the queues.
        """
        earlier = [queue(side) for queue, side in zip(self.queues, sides, strict=False)]
        if not in_use or any(part is None for part in earlier):
            return None
        return [self.prototypes(part) for part in earlier] or None


class Queue(MemoryBankModule):
    """A queue of embeddings that is part of the state dict, is empty at first, and is the same on all ranks.

    Args:
        length: K embeddings.
        dim: the size of one.
        distributed: whether the embeddings of all ranks enter.
    """

    def __init__(self, length: int, dim: int, distributed: bool) -> None:
        super().__init__((length, dim), gather_distributed=distributed, feature_dim_first=False)
        self.bank.zero_()
        saved(self)

    def forward(self, embeddings: Tensor) -> Tensor | None:
        """[M, dim], which enter → [K / ranks, dim], what this rank had before; None until it is full."""
        _, earlier = super().forward(embeddings, update=True)
        return earlier[dist.rank() :: dist.world_size()] if earlier[-1].any() else None


def _prototypes(dim: int, count: int) -> SwaVPrototypes:
    """lightly's, without the biases that the paper does not have."""
    prototypes = SwaVPrototypes(dim, count)
    for layer in prototypes.heads:
        layer.register_parameter("bias", None)
    return prototypes
