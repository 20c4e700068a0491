"""Momentum copies of networks, and their update."""

from __future__ import annotations

import copy
from typing import TypeVar

from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.utils.scheduler import cosine_schedule
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


def momentum_copy(model: M) -> M:
    """A copy without gradients, for `Momentum` or lightly's `update_momentum`.

    Unlike `copy.deepcopy`, it also copies modules with `torch.nn.utils.weight_norm`, such as lightly's
    `DINOProjectionHead`. Their weight is computed from parameters, and torch does not copy such tensors.
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


class Momentum:
    """Momentum copies of some modules, and their update: copy ← m · copy + (1 − m) · module.

    The update changes only parameters; each copy has its own batch statistics. The method registers the copies as
    submodules, under names of its choice, so that they are in the state dict. m depends only on the step.

    Args:
        modules: the modules to copy.
        momentum: m at the first step, in [0, 1].
        final: m at the last step; in between, m follows a cosine. None for a constant m.
        steps: optimiser steps of the run, for the cosine.

    Attributes:
        copies: the copies, in the order of the modules, without gradients.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> network = nn.Linear(2, 1, bias=False)
        >>> teacher = Momentum(network, momentum=0.9, final=1.0, steps=3)
        >>> [round(teacher.at(step), 2) for step in range(3)]
        [0.9, 0.95, 1.0]
        >>> (copied,) = teacher.copies
        >>> before = copied.weight.clone()
        >>> with torch.no_grad():
        ...     _ = network.weight.add_(1.0)
        >>> teacher.update(step=0)
        >>> torch.allclose(copied.weight, before + 0.1)
        True
    """

    def __init__(
        self, *modules: nn.Module, momentum: float, final: float | None = None, steps: int = 0
    ) -> None:
        self.copies = tuple(momentum_copy(module) for module in modules)
        self._modules = modules
        self._start, self._final, self._steps = momentum, final, steps

    def at(self, step: int) -> float:
        """m before that optimiser step."""
        if self._final is None:
            return self._start
        return float(cosine_schedule(step, self._steps, self._start, self._final))

    def update(self, step: int) -> None:
        """Moves each copy towards its module. Call it in the method's `before_step`."""
        for module, copied in zip(self._modules, self.copies, strict=True):
            update_momentum(module, copied, self.at(step))
