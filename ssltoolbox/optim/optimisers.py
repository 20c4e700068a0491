"""The built-in optimisers, and timm's by their names there."""

from __future__ import annotations

from typing import Any

from lightly.utils.lars import LARS
from timm.optim import create_optimizer_v2  # type: ignore[attr-defined]
from torch.optim import SGD, Adam, AdamW, Optimizer

from ssltoolbox.api import Groups, OptimiserSetting, Options, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.optim.plugin import TimmOptimiserOptions


# Adam is fused on CPUs too: benchmarks/RESULTS.md has the numbers. SGD gains nothing by it.
def adamw(options: Options, groups: Groups, setting: OptimiserSetting) -> Optimizer:
    """Loshchilov & Hutter 2019."""
    return AdamW(_listed(groups), lr=setting.lr, betas=setting.betas, fused=setting.fused)


def adam(options: Options, groups: Groups, setting: OptimiserSetting) -> Optimizer:
    """Kingma & Ba 2015."""
    return Adam(_listed(groups), lr=setting.lr, betas=setting.betas, fused=setting.fused)


def sgd(options: Options, groups: Groups, setting: OptimiserSetting) -> Optimizer:
    """SGD with momentum."""
    return SGD(_listed(groups), lr=setting.lr, momentum=setting.momentum)


def lars(options: Options, groups: Groups, setting: OptimiserSetting) -> Optimizer:
    """You et al. 2017, lightly's."""
    return LARS(_listed(groups), lr=setting.lr, momentum=setting.momentum)


def timm_optimiser(options: TimmOptimiserOptions, groups: Groups, setting: OptimiserSetting) -> Optimizer:
    """An optimiser of timm's factory.

    Raises:
        UserError: where it refuses the options, or needs a package that is not installed.
    """
    given = options.model_extra or {}
    try:
        return create_optimizer_v2(
            _listed(groups), opt=setting.name, lr=setting.lr, weight_decay=setting.weight_decay, **given
        )
    except (TypeError, ValueError, AssertionError, ImportError, RuntimeError) as error:
        raise UserError(
            f"optim: timm can't make the optimiser {setting.name!r} with options {given}: {first_line(error)}",
            "see timm.optim.list_optimizers(with_description=True)",
        ) from error


def _listed(groups: Groups) -> list[dict[str, Any]]:
    return [dict(group) for group in groups]
