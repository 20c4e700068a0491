"""The field decoder: from an expression code to the motion that takes the expression away."""

from __future__ import annotations

from torch import Tensor, nn

from ssltoolbox_cycleface.blocks import Attention, Residual, conv3, init_normal, leaky

SIDE = 16
"""Height and width of a field."""


class FieldDecoder(nn.Module):
    """M: a code becomes a map of 4×4, and that a field of 16×16."""

    def __init__(self, code_dim: int, width: int) -> None:
        super().__init__()
        half, quarter = width // 2, width // 4
        self.start = nn.Sequential(
            nn.Conv2d(code_dim, 16 * width, 1),
            nn.PixelShuffle(4),
            leaky(),
            Attention(width),
            conv3(width, width),
            leaky(),
        )
        self.middle = nn.Sequential(
            _twice(), conv3(width, half), leaky(), Attention(half), conv3(half, half), leaky()
        )
        self.residual = nn.Sequential(Residual(half), Residual(half))
        self.end = nn.Sequential(
            _twice(), conv3(half, quarter), leaky(), nn.Conv2d(quarter, 2, 1, bias=False), nn.Tanh()
        )
        init_normal(self)
        for module in self.end:
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0.0, 0.05)

    def forward(self, code: Tensor) -> Tensor:
        """[B, code_dim, 1, 1] → [B, 2, 16, 16], within ±1."""
        return self.end(self.residual(self.middle(self.start(code))))


def _twice() -> nn.Upsample:
    return nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
