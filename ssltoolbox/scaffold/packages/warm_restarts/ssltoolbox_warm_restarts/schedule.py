"""The schedule. This module must not import torch, because `ssltoolbox check` prints the rates."""

from __future__ import annotations

import math

from ssltoolbox.api import ScheduleSetting
from ssltoolbox_warm_restarts import WarmRestartsOptions


class WarmRestarts:
    """Half a cosine in each of the cycles."""

    def __init__(self, options: WarmRestartsOptions, setting: ScheduleSetting) -> None:
        self.length = max(1, setting.steps / options.cycles)

    def factor(self, step: int) -> float:
        """The factor of the highest learning rate at a step."""
        progress = step % self.length / self.length
        return 0.5 * (1 + math.cos(math.pi * progress))
