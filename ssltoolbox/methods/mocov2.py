"""MoCo-v2: Chen et al., Improved Baselines with Momentum Contrastive Learning, 2020."""

from __future__ import annotations

import torch
from lightly.models.modules.heads import MoCoProjectionHead
from lightly.models.utils import batch_shuffle, batch_unshuffle
from torch import Tensor, nn

from ssltoolbox.api import MethodContext, Rows, StepInputs, StepOutput
from ssltoolbox.losses import NTXentLoss, RowQueue, gather_rows
from ssltoolbox.methods.choices import loss_choice
from ssltoolbox.methods.plugin import MoCoV2Options
from ssltoolbox.models import Momentum


class MoCoV2(nn.Module):
    """Side A gives the queries, side B the keys.

    The negatives of a query are a queue of older keys, and the keys of the other instances of its draw, to which
    maskers do not apply. After the comparison, the keys of all instances enter the queue.
    """

    def __init__(self, options: MoCoV2Options, context: MethodContext) -> None:
        super().__init__()
        self.backbone = context.backbone
        self.projection = MoCoProjectionHead(context.feature_dim, options.hidden_dim, options.output_dim)
        self._keys = Momentum(self.backbone, self.projection, momentum=options.momentum)
        self.key_backbone, self.key_projection = self._keys.copies
        self.loss = NTXentLoss(
            options.temperature,
            (options.queue, options.output_dim),
            gather_distributed=context.distributed,
            **loss_choice(options),
        )
        self.queue = RowQueue(options.queue)
        self._context, self._shuffle = context, options.shuffle_keys

    def before_step(self, step: int) -> None:
        """Updates the key network."""
        self._keys.update(step)

    def step(self, inputs: StepInputs) -> StepOutput:
        """[M, 3, S, S] twice → the loss of the M queries."""
        (view_a, view_b), rows = inputs.views, inputs.rows
        query = self.projection(self.backbone(view_a))
        key = self._key(view_b)
        half = len(rows) // 2
        query_rows, key_rows = rows[:half], rows[half:]
        negatives, weights = _keys_of_own_draw(key, query_rows)
        pointer = int(self.loss.memory_bank.bank_ptr)
        loss, terms = self.loss.compare(
            query,
            key,
            query_rows,
            self.queue.rows(),
            self._context.maskers,
            negatives,
            weights,
            step=inputs.step,
        )
        if query.requires_grad:
            self.queue.enqueue(gather_rows(key_rows) if self._context.distributed else key_rows, pointer)
        return StepOutput(loss, terms, query, key, temperature=self.loss.temperature)

    @torch.no_grad()
    def _key(self, view: Tensor) -> Tensor:
        """[M, 3, S, S] → [M, D] the keys; if wanted, shuffled over all devices while they are computed."""
        if not self._shuffle:
            keys: Tensor = self.key_projection(self.key_backbone(view))
            return keys
        distributed = self._context.distributed
        shuffled, order = batch_shuffle(view.contiguous(), distributed)
        return batch_unshuffle(self.key_projection(self.key_backbone(shuffled)), order, distributed)


def _keys_of_own_draw(key: Tensor, rows: Rows) -> tuple[Tensor | None, Tensor | None]:
    """The keys [M, K, D] of the other instances of each query's draw, and their weights [M, K].

    Keys are None without hard negatives; weights are None if each key counts as one negative. Sorted by draw, the
    1+K instances of a draw are consecutive.
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
