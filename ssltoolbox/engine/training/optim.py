"""The table of optimisers, and the parameters without weight decay."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any

from lightly.utils.lars import LARS
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from ssltoolbox.api import GroupedMethod
from ssltoolbox.recipe import Optim

Groups = list[dict[str, Any]]

# Adam is fused on CPUs too: benchmarks/RESULTS.md has the numbers. SGD gains nothing by it.
OPTIMISERS: dict[str, Callable[[Groups, Optim, bool], Optimizer]] = {
    "adamw": lambda groups, o, fused: AdamW(groups, lr=o.lr, betas=o.betas, fused=fused),
    "adam": lambda groups, o, fused: Adam(groups, lr=o.lr, betas=o.betas, fused=fused),
    "sgd": lambda groups, o, fused: SGD(groups, lr=o.lr, momentum=o.momentum),
    "lars": lambda groups, o, fused: LARS(groups, lr=o.lr, momentum=o.momentum),
}


def build_optimiser(
    method: nn.Module, optim: Optim, fused: bool = True, losses: nn.Module | None = None
) -> Optimizer:
    """The recipe's optimiser over the parameters that learn.

    Weight decay skips biases, norms and the parameters of timm's `no_weight_decay`, unless `decay_norm_and_bias`
    is set. A `GroupedMethod` has groups of its own, with learning rates scaled by `lr_scale`.

    Args:
        method: its parameters are on the device that they stay on.
        optim: the optimiser's settings.
        fused: whether Adam does all its arithmetic in one go.
        losses: auxiliary losses, whose parameters learn too.
    """
    model = method if losses is None else nn.ModuleList([method, losses])
    learning = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    kept = set() if optim.decay_norm_and_bias else set(_undecayed(model, learning.items()))
    grouped: list[dict[str, Any]] = []
    if isinstance(method, GroupedMethod):
        grouped = [{**group, "params": list(group["params"])} for group in method.param_groups()]
    taken = {id(parameter) for group in grouped for parameter in group["params"]}
    grouped.append({"params": [p for p in learning.values() if id(p) not in taken]})
    undecayed = {id(learning[name]) for name in kept}
    groups = [part for group in grouped for part in _by_decay(group, undecayed, optim)]
    return OPTIMISERS[optim.name]([group for group in groups if group["params"]], optim, fused)


def _by_decay(group: dict[str, Any], undecayed: Container[int], optim: Optim) -> Groups:
    """A group's parameters that learn, decayed and undecayed apart, unless the group has a decay of its own."""
    settings = {key: value for key, value in group.items() if key not in ("params", "lr_scale")}
    if "lr_scale" in group:
        settings["lr"] = optim.lr * group["lr_scale"]
    learning = [parameter for parameter in group["params"] if parameter.requires_grad]
    if "weight_decay" in settings:
        return [{"params": learning, **settings}]
    return [
        {
            "params": [p for p in learning if id(p) not in undecayed],
            "weight_decay": optim.weight_decay,
            **settings,
        },
        {"params": [p for p in learning if id(p) in undecayed], "weight_decay": 0.0, **settings},
    ]


def _undecayed(model: nn.Module, learning: Iterable[tuple[str, nn.Parameter]]) -> Iterable[str]:
    asked = {
        f"{prefix}.{name}" if prefix else name
        for prefix, module in model.named_modules()
        if callable(getattr(module, "no_weight_decay", None))
        for name in module.no_weight_decay()
    }
    return (name for name, parameter in learning if parameter.ndim <= 1 or name in asked)
