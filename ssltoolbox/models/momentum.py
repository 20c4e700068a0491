"""Momentum networks start as copies."""

from __future__ import annotations

import copy
from typing import TypeVar

from lightly.models.utils import deactivate_requires_grad
from torch import nn

M = TypeVar("M", bound=nn.Module)


def momentum_copy(model: M) -> M:
    """A copy without gradients, to be moved along by lightly's `update_momentum`."""
    copied = copy.deepcopy(model)
    deactivate_requires_grad(copied)
    return copied
