"""Momentum networks start as copies."""

from __future__ import annotations

import copy
from typing import TypeVar

from lightly.models.utils import deactivate_requires_grad
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def momentum_copy(model: M) -> M:
    """A copy without gradients, to be moved along by lightly's `update_momentum`.

    Unlike `copy.deepcopy` it also copies modules under `torch.nn.utils.weight_norm` and its kin, such as lightly's
    `DINOProjectionHead`: they keep a weight that is computed from their parameters, which torch refuses to copy.
    """
    computed = {
        id(value): value.detach().clone()
        for module in model.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    copied = copy.deepcopy(model, computed)
    deactivate_requires_grad(copied)
    return copied
