"""Views for the methods."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor


@pytest.fixture
def views() -> list[tuple[Tensor, Tensor]]:
    """Twenty steps of two sides, [8, 3, 12, 12]."""
    generator = torch.Generator().manual_seed(7)
    return [
        (torch.randn(8, 3, 12, 12, generator=generator), torch.randn(8, 3, 12, 12, generator=generator))
        for _ in range(20)
    ]
