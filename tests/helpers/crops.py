"""Twenty steps of two views and local crops, for methods that are compared with a plain loop."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from helpers.methods import tiny_context
from ssltoolbox.api import MethodContext, Rows, StepInputs

COUNT, STEPS, PER_EPOCH = 6, 20, 4
Images = tuple[Tensor, Tensor, tuple[Tensor, ...]]


def images() -> list[Images]:
    """Two views and three local crops for each step."""
    generator = torch.Generator().manual_seed(7)
    views = torch.randn(STEPS, 2, COUNT, 3, 12, 12, generator=generator)
    crops = torch.randn(STEPS, 3, COUNT, 3, 6, 6, generator=generator)
    return [(*pair, tuple(small)) for pair, small in zip(views, crops, strict=True)]


def crops_context() -> MethodContext:
    """With the number of images, steps and steps of an epoch that `images` has."""
    return tiny_context(instances=COUNT, steps=STEPS, steps_per_epoch=PER_EPOCH)


def inputs(step: int, given: Images) -> StepInputs:
    view_a, view_b, crops = given
    draw = torch.arange(COUNT).repeat(2)
    return StepInputs(view_a, view_b, Rows(draw, draw, draw, draw.double()), step, crops)


def losses_of(
    parameters: list[nn.Parameter],
    loss_of: Callable[[int, Images], Tensor],
    after_backward: Callable[[int], None],
) -> list[float]:
    """The losses of all steps, with SGD."""
    optimiser = torch.optim.SGD([p for p in parameters if p.requires_grad], lr=0.05, momentum=0.9)
    losses = []
    for step, given in enumerate(images()):
        loss = loss_of(step, given)
        optimiser.zero_grad()
        loss.backward()
        after_backward(step)
        optimiser.step()
        losses.append(loss.item())
    return losses
