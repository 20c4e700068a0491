"""Stage 1: each image of a pair is rebuilt from the neutral face of the other one.

X = 2M images: M first images, then the M second ones. Symbols as in the documentation: n neutral, r rebuilt, d
warped, b the inverse field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ssltoolbox_cycleface import CycleFaceOptions
from ssltoolbox_cycleface.losses import asymmetry, dissimilarity, l1, style
from ssltoolbox_cycleface.motion import Motion, Moves
from ssltoolbox_cycleface.trunk import Trunk, target_maps
from ssltoolbox_cycleface.warp import outside, warp


@dataclass(frozen=True, eq=False)
class Exchange:
    """What stage 1 makes of images [X, 3, H, W]; all of the same shape but the moves.

    Attributes:
        moves: the expressions.
        neutral: n, the neutral faces.
        rebuilt: r, from the neutral face of the other image.
        copied: the images drawn without a field.
        warped: d, the images warped by their fields.
        neutral_back: the other image's n, warped by the inverse field.
        warped_back: the other image's d, warped by the inverse field.
    """

    moves: Moves
    neutral: Tensor
    rebuilt: Tensor
    copied: Tensor
    warped: Tensor
    neutral_back: Tensor
    warped_back: Tensor

    @property
    def code(self) -> Tensor:
        """[X, code_dim] expression codes."""
        return self.moves.code


class Stage1(nn.Module):
    """Learns the encoder's features, the field decoder and the generator."""

    def __init__(self, options: CycleFaceOptions, features: int, trunk: Trunk) -> None:
        super().__init__()
        self.options = options
        self.motion = Motion(options, features, trunk)

    def forward(self, images: Tensor, features: Tensor, trunk: Trunk) -> Exchange:
        """[X, 3, H, W] and [X, features] → what is made of them."""
        moves = self.motion(features)
        draw = self.motion.generator
        maps = trunk(images)
        neutral = draw(maps, moves.field)
        others = swapped(neutral)
        warped = warp(images, moves.field)
        return Exchange(
            moves=moves,
            neutral=neutral,
            rebuilt=draw(trunk(others), moves.inverse),
            copied=draw(maps),
            warped=warped,
            neutral_back=warp(others, moves.inverse),
            warped_back=warp(swapped(warped), moves.inverse),
        )

    def terms(self, images: Tensor, made: Exchange, trunk: Trunk) -> dict[str, Tensor]:
        """The four terms of the loss, without their weights; the style is left out if its weight is 0."""
        terms = {
            "pixel": (
                l1(made.rebuilt, images)
                + l1(made.copied, images)
                + l1(made.neutral_back, images)
                + 1.5 * l1(made.warped_back, images)
            ),
            "ssim": (
                dissimilarity(images, made.rebuilt)
                + dissimilarity(images, made.copied)
                + 1.5 * dissimilarity(images, made.warped_back)
            ),
            "symmetry": asymmetry(made.neutral) + 0.5 * asymmetry(made.warped),
        }
        if self.options.style_weight:
            drawn = torch.cat([made.neutral, made.neutral_back, made.warped_back, made.rebuilt])
            terms["style"] = style(trunk.style_maps(drawn), target_maps(trunk, images))
        return terms

    @torch.no_grad()
    def watched(self, images: Tensor, made: Exchange) -> dict[str, Tensor]:
        """Numbers that tell whether the field has collapsed."""
        return {
            "field": made.moves.field.float().abs().mean(),
            "outside_share": outside(made.moves.field),
            "asymmetry_images": asymmetry(images),
            "asymmetry_neutral": asymmetry(made.neutral),
        }

    def shown(self, images: Tensor, made: Exchange) -> Mapping[str, Tensor]:
        """The pictures: heading → [X, 3, H, W]."""
        return {
            "image": images,
            "warped back": made.warped_back,
            "rebuilt": made.rebuilt,
            "neutral": made.neutral,
        }


def swapped(values: Tensor) -> Tensor:
    """The second half, then the first."""
    first, second = values.chunk(2)
    return torch.cat([second, first])
