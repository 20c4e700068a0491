"""MoCo-v2: Chen et al., Improved Baselines with Momentum Contrastive Learning, 2020."""

from __future__ import annotations

import torch
from lightly.models.modules.heads import MoCoProjectionHead
from lightly.models.utils import update_momentum
from torch import Tensor, nn

from ssltoolbox.api import MethodContext, Rows, StepOutput
from ssltoolbox.losses import NTXentLoss, RowQueue, gather_rows
from ssltoolbox.methods.plugin import MoCoV2Options
from ssltoolbox.models import momentum_copy


class MoCoV2(nn.Module):
    """Side A queries, side B gives the keys; one direction. The negatives are a queue of older keys, and the
    keys of the other instances of the query's own draw, its hard negatives, which no masker can reach.

    The keys of all instances are enqueued after they were compared, with their rows beside them.
    """

    def __init__(self, options: MoCoV2Options, context: MethodContext) -> None:
        super().__init__()
        self.backbone = context.backbone
        self.projection = MoCoProjectionHead(context.feature_dim, options.hidden_dim, options.output_dim)
        self.key_backbone = momentum_copy(self.backbone)
        self.key_projection = momentum_copy(self.projection)
        self.loss = NTXentLoss(
            options.temperature, (options.queue, options.output_dim), gather_distributed=context.distributed
        )
        self.queue = RowQueue(options.queue, context.descriptor_dim)
        self._momentum = options.momentum
        self._context = context

    def before_step(self, step: int) -> None:
        """The key network follows."""
        update_momentum(self.backbone, self.key_backbone, self._momentum)
        update_momentum(self.projection, self.key_projection, self._momentum)

    def step(self, view_a: Tensor, view_b: Tensor, rows: Rows) -> StepOutput:
        """[M, 3, S, S] twice → the loss of the M queries."""
        query = self.projection(self.backbone(view_a))
        with torch.no_grad():
            key = self.key_projection(self.key_backbone(view_b))
        half = len(rows) // 2
        query_rows, key_rows = rows[:half], rows[half:]
        output = self._compare(query, key, query_rows)
        if query.requires_grad:
            self._enqueue(key_rows)
        return output

    def _compare(self, query: Tensor, key: Tensor, rows: Rows) -> StepOutput:
        self._pointer = int(self.loss.memory_bank.bank_ptr)
        negatives, weights = _keys_of_own_draw(key, rows)
        if not self._context.maskers:
            loss = self.loss(query, key, negatives=negatives, negative_weights=weights)
            return StepOutput(loss, embeddings=query.detach(), pairs=key)
        masking = self._context.maskers.mask(rows, self.queue.rows())
        cancel, attraction = self.loss.parts(
            query, key, masking.masked, negatives, masking.attract > 0, negative_weights=weights
        )
        parts = {"cancel_loss": cancel.detach(), "attract_loss": attraction.detach(), **masking.parts}
        return StepOutput(cancel + masking.attract * attraction, parts, query.detach(), key)

    def _enqueue(self, rows: Rows) -> None:
        self.queue.enqueue(gather_rows(rows) if self._context.distributed else rows, self._pointer)


def _keys_of_own_draw(key: Tensor, rows: Rows) -> tuple[Tensor | None, Tensor | None]:
    """For each query the keys of the other instances of its draw, and as how many they count.

    [M, K, D], None without hard negatives; [M, K], None where each counts as one.

    Instances of a draw are found by its id: sorted by draw, they lie side by side, 1+K of them each.
    """
    order = torch.argsort(rows.draw, stable=True)
    draws = len(torch.unique(rows.draw))
    instances = len(rows) // draws
    if instances == 1:
        return None, None
    together = order.view(draws, instances)
    others = torch.stack([together.roll(-shift, dims=1) for shift in range(1, instances)], dim=2)
    others = torch.empty_like(others.flatten(0, 1)).index_copy(0, order, others.flatten(0, 1))
    if rows.weight is None:
        return key[others], None
    return key[others], torch.maximum(rows.weight[:, None], rows.weight[others])
