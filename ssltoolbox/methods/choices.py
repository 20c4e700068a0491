"""The loss that the options of a contrastive method choose."""

from __future__ import annotations

from typing import TypedDict

from ssltoolbox.losses import RobustInfoNCE, SoftTargets
from ssltoolbox.methods.plugin import ContrastOptions


class LossChoice(TypedDict):
    """Arguments of `NTXentLoss`."""

    robust: RobustInfoNCE | None
    soft: SoftTargets | None


def loss_choice(options: ContrastOptions) -> LossChoice:
    """The arguments of `NTXentLoss` for the option `loss`."""
    rince, soft = options.rince, options.soft_contrast
    return {
        "robust": RobustInfoNCE(rince.q, rince.weight) if options.loss == "rince" else None,
        "soft": SoftTargets(soft.share, soft.temperature) if options.loss == "soft_contrast" else None,
    }
