"""The table of optimisers, and which parameters are decayed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from lightly.utils.lars import LARS
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from ssltoolbox.recipe import Optim

Groups = list[dict[str, Any]]

OPTIMISERS: dict[str, Callable[[Groups, Optim], Optimizer]] = {
    "adamw": lambda groups, o: AdamW(groups, lr=o.lr, betas=o.betas, fused=_fused(groups)),
    "adam": lambda groups, o: Adam(groups, lr=o.lr, betas=o.betas, fused=_fused(groups)),
    "sgd": lambda groups, o: SGD(groups, lr=o.lr, momentum=o.momentum),
    "lars": lambda groups, o: LARS(groups, lr=o.lr, momentum=o.momentum),
}


def build_optimiser(model: nn.Module, optim: Optim) -> Optimizer:
    """The recipe's optimiser over the parameters that learn.

    Biases, norms and what timm's model asks to be left alone are not decayed, unless `decay_norm_and_bias`.
    """
    learning = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    kept = set() if optim.decay_norm_and_bias else set(_undecayed(model, learning.items()))
    groups: Groups = [
        {
            "params": [p for name, p in learning.items() if name not in kept],
            "weight_decay": optim.weight_decay,
        },
        {"params": [p for name, p in learning.items() if name in kept], "weight_decay": 0.0},
    ]
    return OPTIMISERS[optim.name]([group for group in groups if group["params"]], optim)


def _undecayed(model: nn.Module, learning: Iterable[tuple[str, nn.Parameter]]) -> Iterable[str]:
    asked = {
        f"{prefix}.{name}" if prefix else name
        for prefix, module in model.named_modules()
        if callable(getattr(module, "no_weight_decay", None))
        for name in module.no_weight_decay()
    }
    return (name for name, parameter in learning if parameter.ndim <= 1 or name in asked)


def _fused(groups: Groups) -> bool:
    return (
        all(parameter.is_cuda for group in groups for parameter in group["params"])
        and torch.cuda.is_available()
    )
