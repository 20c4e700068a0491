"""What a method is built with and asked: a tiny backbone, maskers that count, views and rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ssltoolbox.api import Attraction, Masking, MethodContext, Rows
from ssltoolbox.testing.material import rows

DRAWS, HARD, SIZE, FEATURES, DESCRIPTOR, STEPS = 4, 1, 16, 8, 3, 10
INSTANCES = DRAWS * (1 + HARD)


class CountingMaskers:
    """Maskers that count how often they are asked; False if there are none.

    They mask each anchor's first candidate from another draw.
    """

    needs_similarity = False

    def __init__(self, present: bool = False) -> None:
        self.present = present
        self.asked = 0

    def __bool__(self) -> bool:
        return self.present

    def mask(
        self,
        anchors: Rows,
        candidates: Rows,
        similarity: Tensor | None = None,
        negative: Tensor | None = None,
    ) -> Masking:
        self.asked += 1
        eligible = (anchors.draw[:, None] != candidates.draw) & (candidates.draw >= 0)
        masked = eligible & (eligible.cumsum(dim=1) == 1)
        return Masking(masked, {"first": Attraction(0.5, masked)})


def context(device: str = "cpu", maskers: CountingMaskers | None = None) -> MethodContext:
    """A context around a small convolutional network."""
    backbone = nn.Sequential(
        nn.Conv2d(3, FEATURES, 3, 2),
        nn.BatchNorm2d(FEATURES),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    maskers = maskers or CountingMaskers()
    return MethodContext(
        backbone=backbone.to(device),
        feature_dim=FEATURES,
        descriptor_dim=DESCRIPTOR if maskers else 0,
        maskers=maskers,
        instances=INSTANCES,
        steps=STEPS,
        distributed=False,
    )


def step_input(step: int, device: str, descriptor_dim: int) -> tuple[Tensor, Tensor, Rows]:
    """Both sides and the rows of a step, always the same ones for the same step."""
    generator = torch.Generator().manual_seed(step)
    view_a, view_b = torch.randn(2, INSTANCES, 3, SIZE, SIZE, generator=generator).to(device)
    known = rows(DRAWS, HARD, torch.randn(2 * INSTANCES, descriptor_dim, generator=generator))
    return view_a, view_b, Rows(**{**vars(known), "draw": known.draw + step * DRAWS}).to(device)
