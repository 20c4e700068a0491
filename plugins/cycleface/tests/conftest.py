"""Analytic images and fields."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor


@pytest.fixture
def waves() -> tuple[Tensor, Tensor]:
    """Inputs A: sin(0.37 i) and sin(0.37 i + 0.5), [2, 3, 64, 64]."""
    steps = 0.37 * torch.arange(2 * 3 * 64 * 64, dtype=torch.float64)
    first, second = ((steps + shift).sin().float().view(2, 3, 64, 64) for shift in (0.0, 0.5))
    return first, second


@pytest.fixture
def smooth() -> tuple[Tensor, Tensor]:
    """Inputs B: smooth images [2, 3, 64, 64] and fields [2, 2, 16, 16]."""
    x, y = _plane(64)
    images = [[(3 * x + c + n).sin() * (2 * y - c).cos() for c in range(3)] for n in range(2)]
    x, y = _plane(16)
    fields = [[0.15 * (2.5 * y + x + n).sin(), 0.1 * (2 * x - n).cos()] for n in range(2)]
    return tuple(torch.stack([torch.stack(each) for each in values]) for values in (images, fields))  # type: ignore[return-value]


def _plane(side: int) -> tuple[Tensor, Tensor]:
    line = torch.linspace(-1, 1, side)
    x, y = torch.meshgrid(line, line, indexing="xy")
    return x, y
