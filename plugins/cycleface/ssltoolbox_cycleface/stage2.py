"""Stage 2: what lies between neutral faces and the mean face of all people is identity.

The networks of stage 1 are frozen. Symbols as in the documentation: n neutral, m mean face, n′ the neutral face
made of m, r rebuilt, d warped, b the inverse field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ssltoolbox.api import MethodContext
from ssltoolbox.losses import gather_embeddings
from ssltoolbox_cycleface import CycleFaceOptions
from ssltoolbox_cycleface.encoder import CodeHead
from ssltoolbox_cycleface.losses import asymmetry, dissimilarity, l1, margin, style
from ssltoolbox_cycleface.motion import Motion
from ssltoolbox_cycleface.normaliser import Normaliser
from ssltoolbox_cycleface.trunk import Trunk, target_maps
from ssltoolbox_cycleface.warp import warp


@dataclass(frozen=True, eq=False)
class Identities:
    """What stage 2 makes of images [X, 3, H, W].

    Attributes:
        code: [X, code_dim] identity codes.
        neutral: n, [X, 3, H, W] by stage 1.
        mean: m, [1, 3, H, W].
        restored: n′, [X, 3, H, W].
        rebuilt: r, [X, 3, H, W].
        warped: d, n′ warped by the inverse field, [X, 3, H, W].
    """

    code: Tensor
    neutral: Tensor
    mean: Tensor
    restored: Tensor
    rebuilt: Tensor
    warped: Tensor


class Stage2(nn.Module):
    """Learns a second encoder's features, the backbone's, and the normaliser."""

    def __init__(self, options: CycleFaceOptions, context: MethodContext, trunk: Trunk) -> None:
        super().__init__()
        self.options = options
        self.encoder = context.new_backbone().requires_grad_(False)
        self.motion = Motion(options, context.feature_dim, trunk).requires_grad_(False)
        self.head = CodeHead(context.feature_dim, options.code_dim)
        self.normaliser = Normaliser(trunk, options.code_dim, options.width)
        self.train()

    def train(self, mode: bool = True) -> Stage2:
        """Networks of stage 1 stay in evaluation mode."""
        super().train(mode)
        self.encoder.eval()
        self.motion.eval()
        return self

    def forward(self, images: Tensor, features: Tensor, trunk: Trunk) -> Identities:
        """[X, 3, H, W], and [X, features] of the backbone → what is made of them."""
        draw = self.motion.generator
        with torch.no_grad():
            moves = self.motion(self.encoder(images))
            neutral = draw(trunk(images), moves.field)
        code = self.head(features)
        mean = mean_face(self.normaliser(trunk(neutral).deep, code, "away"))
        deep = trunk(mean).deep.expand(len(images), -1, -1, -1)
        restored = self.normaliser(deep, code, "back")
        return Identities(
            code=code.flatten(1),
            neutral=neutral,
            mean=mean,
            restored=restored,
            rebuilt=draw(trunk(restored), moves.inverse),
            warped=warp(restored, moves.inverse),
        )

    def terms(self, images: Tensor, made: Identities, trunk: Trunk) -> dict[str, Tensor]:
        """The terms of the loss, without their weights; the style is left out if its weight is 0."""
        means = made.mean.expand_as(made.neutral)
        terms = {
            "pixel": (
                l1(made.rebuilt, images) + 0.8 * l1(made.warped, images) + l1(made.restored, made.neutral)
            ),
            "ssim": dissimilarity(images, made.rebuilt) + 0.8 * dissimilarity(images, made.warped),
            "symmetry": asymmetry(made.restored),
            "margin": margin(means, made.neutral, self.options.margin),
        }
        if self.options.style_weight:
            drawn = torch.cat([made.warped, made.rebuilt])
            terms["style"] = style(trunk.style_maps(drawn), target_maps(trunk, images))
        return terms

    @torch.no_grad()
    def watched(self, images: Tensor, made: Identities) -> dict[str, Tensor]:
        """How far neutral faces are from their mean."""
        return {"identity": (made.neutral.float() - made.mean.float()).abs().mean()}

    def shown(self, images: Tensor, made: Identities) -> Mapping[str, Tensor]:
        """The pictures: heading → [X, 3, H, W]."""
        return {
            "image": images,
            "rebuilt": made.rebuilt,
            "neutral": made.neutral,
            "neutral, from the mean": made.restored,
            "mean face": made.mean.expand_as(images),
        }


def mean_face(faces: Tensor) -> Tensor:
    """[X, 3, H, W] of this rank → [1, 3, H, W], the mean over all ranks."""
    mean = faces.float().mean(dim=0, keepdim=True)
    return gather_embeddings(mean).mean(dim=0, keepdim=True)
