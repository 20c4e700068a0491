"""The optimiser. This module is imported only when a run needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from ssltoolbox.api import Groups, OptimiserSetting
from ssltoolbox_steady_sgd import SteadySGDOptions


class SteadySGD(Optimizer):
    """Each tensor moves by `lr` times its direction, divided by the root mean square of the direction."""

    def __init__(self, options: SteadySGDOptions, groups: Groups, setting: OptimiserSetting) -> None:
        defaults = {"lr": setting.lr, "weight_decay": setting.weight_decay, "momentum": options.momentum}
        super().__init__([dict(group) for group in groups], defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
        """Updates the parameters that have a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, group)
        return loss

    def _move(self, parameter: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if "direction" not in state:
            state["direction"] = torch.zeros_like(parameter)
        direction = state["direction"].mul_(group["momentum"]).add_(parameter.grad)
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        length = direction.square().mean().sqrt().clamp(min=1e-8)
        parameter.add_(direction * (-group["lr"] / length))
