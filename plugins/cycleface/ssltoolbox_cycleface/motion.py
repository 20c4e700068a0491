"""What stage 1 learns besides its encoder: expression as motion, and how to draw it."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from ssltoolbox_cycleface import CycleFaceOptions
from ssltoolbox_cycleface.encoder import CodeHead
from ssltoolbox_cycleface.field import FieldDecoder
from ssltoolbox_cycleface.generator import Generator
from ssltoolbox_cycleface.trunk import Trunk
from ssltoolbox_cycleface.warp import inverse_fixed_point, inverse_published


class Moves(NamedTuple):
    """The expression of X images.

    Attributes:
        code: [X, code_dim].
        field: [X, 2, 16, 16] takes the expression away.
        inverse: [X, 2, 16, 16] puts it back.
    """

    code: Tensor
    field: Tensor
    inverse: Tensor


class Motion(nn.Module):
    """Head, field decoder M and generator G."""

    def __init__(self, options: CycleFaceOptions, features: int, trunk: Trunk) -> None:
        super().__init__()
        self.options = options
        self.head = CodeHead(features, options.code_dim)
        self.decoder = FieldDecoder(options.code_dim, options.width)
        self.generator = Generator(trunk, options.width, options.noise)

    def forward(self, features: Tensor) -> Moves:
        """[X, features] → the expressions."""
        code = self.head(features)
        field = self.decoder(code)
        return Moves(code.flatten(1), field, self.inverted(field))

    def inverted(self, field: Tensor) -> Tensor:
        """The inverse field, as the options say."""
        if self.options.inverse == "published":
            return inverse_published(field)
        return inverse_fixed_point(field, self.options.inverse_steps)
