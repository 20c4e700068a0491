"""The groups of parameters that learn, and the parameters without weight decay."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any

from torch import nn
from torch.optim import Optimizer

from ssltoolbox.api import GroupedMethod, OptimiserSetting, UserError
from ssltoolbox.plan import Chosen
from ssltoolbox.recipe import Optim

Groups = list[dict[str, Any]]
Make = Callable[[Groups, OptimiserSetting], Optimizer]
"""Makes an optimiser of groups of parameters."""


def maker(optimiser: Chosen) -> Make:
    """What makes the optimiser that a recipe names.

    Raises:
        PluginError: when its code can't be imported.
    """
    target = optimiser.provided.load()

    def make(groups: Groups, setting: OptimiserSetting) -> Optimizer:
        with optimiser.provided.blamed_for("making it"):
            made = target(optimiser.options, groups, setting)
        if not isinstance(made, Optimizer):
            raise UserError(f"{optimiser.title} is a {type(made).__name__}, not a torch.optim.Optimizer")
        return made

    return make


def try_optimiser(optimiser: Chosen, optim: Optim) -> None:
    """Makes the optimiser of one parameter, so that what is wrong with its options fails before a run begins.

    Raises:
        UserError: where it can't be made.
    """
    build_optimiser(nn.Linear(2, 2), optim, maker(optimiser))


def build_optimiser(
    method: nn.Module,
    optim: Optim,
    make: Make,
    fused: bool = True,
    losses: nn.Module | None = None,
) -> Optimizer:
    """The recipe's optimiser over the parameters that learn.

    Weight decay skips biases, norms and the parameters of timm's `no_weight_decay`, unless `decay_norm_and_bias`
    is set. A `GroupedMethod` has groups of its own, with learning rates scaled by `lr_scale`.

    Args:
        method: its parameters are on the device that they stay on.
        optim: the optimiser's settings.
        make: makes it; see `maker`.
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
    setting = OptimiserSetting(
        name=optim.name,
        lr=optim.lr,
        weight_decay=optim.weight_decay,
        momentum=optim.momentum,
        betas=optim.betas,
        fused=fused,
    )
    return make([group for group in groups if group["params"]], setting)


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
    exempt = {
        f"{prefix}.{name}" if prefix else name
        for prefix, module in model.named_modules()
        if callable(getattr(module, "no_weight_decay", None))
        for name in module.no_weight_decay()
    }
    return (name for name, parameter in learning if parameter.ndim <= 1 or name in exempt)
