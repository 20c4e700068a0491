"""Copies of networks for momentum updates."""

from __future__ import annotations

import copy
from typing import TypeVar

from lightly.models.utils import deactivate_requires_grad
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def momentum_copy(model: M) -> M:
    """A copy without gradients, for lightly's `update_momentum`.

    Unlike `copy.deepcopy`, it also copies modules with `torch.nn.utils.weight_norm`, such as lightly's
    `DINOProjectionHead`. Their weight is computed from parameters, and torch refuses to copy it.
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
