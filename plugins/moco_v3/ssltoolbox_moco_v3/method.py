"""MoCo-v3 on lightly's projection head."""

from __future__ import annotations

from itertools import pairwise

import torch
from lightly.models.modules.heads import ProjectionHead
from torch import Tensor, nn

from ssltoolbox.api import MethodContext, StepInputs, StepOutput
from ssltoolbox.losses import NTXentLoss, candidates_in_batch, mean_of
from ssltoolbox.models import Momentum
from ssltoolbox_moco_v3 import MoCoV3Options


class MoCoV3(nn.Module):
    """Each side gives queries, which are compared with the keys of the other side of all processes."""

    def __init__(self, options: MoCoV3Options, context: MethodContext) -> None:
        super().__init__()
        hidden, output = options.hidden_dim, options.output_dim
        self.backbone = context.backbone
        if options.freeze_patches:
            self.backbone.patch_embed.requires_grad_(False)
        between = [hidden] * (options.projection_layers - 1)
        self.projection = _head([context.feature_dim, *between, output])
        self.prediction = _head([output, hidden, output], last_norm=options.prediction_norm)
        self._keys = Momentum(
            self.backbone, self.projection, momentum=options.momentum, final=1.0, steps=context.steps
        )
        self.key_backbone, self.key_projection = self._keys.copies
        self.loss = NTXentLoss(options.temperature, gather_distributed=context.distributed, one_way=True)
        self._context = context

    def before_step(self, step: int) -> None:
        """Updates the key network; its momentum rises to 1."""
        self._keys.update(step)

    def step(self, inputs: StepInputs) -> StepOutput:
        """[M, 3, S, S] twice → 2τ times the sum of both directions."""
        rows, maskers, step = inputs.rows, self._context.maskers, inputs.step
        queries = [self.prediction(self.projection(self.backbone(view))) for view in inputs.views]
        keys = [self._key(view) for view in inputs.views]
        side_a, side_b = _halves(len(rows))
        candidates = candidates_in_batch(rows, self._context)
        keys_a, keys_b = _halves(len(candidates))
        loss, terms = mean_of(
            self.loss.compare(queries[0], keys[1], rows[side_a], candidates[keys_b], maskers, step=step),
            self.loss.compare(queries[1], keys[0], rows[side_b], candidates[keys_a], maskers, step=step),
        )
        # The paper has 2τ times the sum of both directions, which is twice their mean.
        scaled = 4 * self.loss.temperature * loss
        return StepOutput(scaled, terms, queries[0], queries[1], temperature=self.loss.temperature)

    @torch.no_grad()
    def _key(self, view: Tensor) -> Tensor:
        key: Tensor = self.key_projection(self.key_backbone(view))
        return key


def _head(sizes: list[int], last_norm: bool = True) -> ProjectionHead:
    """A head whose layers have no biases. The batch norm of its last layer, if there is one, has no weights.

    Args:
        sizes: of the input, of the hidden layers, and of the output.
        last_norm: whether batch norm follows the last layer.

    Source: github.com/facebookresearch/moco-v3, `_build_mlp`.
    """
    *hidden, last = pairwise(sizes)
    norm = nn.BatchNorm1d(sizes[-1], affine=False) if last_norm else None
    return ProjectionHead(
        [
            *((before, after, nn.BatchNorm1d(after), nn.ReLU(), False) for before, after in hidden),
            (*last, norm, None, False),
        ]
    )


def _halves(count: int) -> tuple[slice, slice]:
    """Side A, side B."""
    return slice(0, count // 2), slice(count // 2, count)
