"""Tiny networks and rows for the methods."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssltoolbox.api import MethodContext, Rows
from ssltoolbox.engine.core.maskers import MaskerUnion


def tiny_backbone(batch_norm: bool = True) -> nn.Module:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(8) if batch_norm else nn.Identity()
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2), norm, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def tiny_context(**changes: Any) -> MethodContext:
    given = {
        "backbone": tiny_backbone(),
        "feature_dim": 8,
        "descriptor_dim": 0,
        "maskers": MaskerUnion(),
        "instances": 8,
        "steps": 20,
        "distributed": False,
    }
    return MethodContext(**given | changes)


def rows_for(draws: int, hard: int = 0, descriptor: Tensor | None = None, first_draw: int = 0) -> Rows:
    """2M rows, role-major on each side."""
    total = 2 * draws * (1 + hard)
    draw = torch.arange(first_draw, first_draw + draws).repeat(2 * (1 + hard))
    if descriptor is None:
        descriptor = torch.empty(total, 0)
    side = torch.arange(2).repeat_interleave(total // 2)
    return Rows(draw, draw, draw, torch.zeros(total, dtype=torch.float64), descriptor, side=side)


def side_at(phase: float, rows: int = 4) -> Tensor:
    """[rows, 6] unit rows, for which losses were computed with published code."""
    row, column = torch.arange(float(rows))[:, None].double(), torch.arange(6.0).double()
    return F.normalize(torch.sin(0.7 * row + 1.3 * column + 0.11 * row * column + phase), dim=1)
