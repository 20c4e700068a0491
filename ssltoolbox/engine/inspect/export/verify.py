"""Whether what was written gives the features that we compute."""

from __future__ import annotations

import torch
from torch import nn

from ssltoolbox.api import SslToolboxError
from ssltoolbox.engine.inspect.export.formats import Format
from ssltoolbox.plan import Plan

TOLERANCE = 1e-3
"""The largest difference of a feature that is let pass, as a fraction of the largest feature."""


def verified(content: bytes, file_format: Format, backbone: nn.Module, plan: Plan) -> float:
    """The largest difference of a feature, over batches of one and of three random images.

    Raises:
        SslToolboxError: where it is more than `TOLERANCE` allows.
    """
    run = file_format.read(content, plan)
    images = torch.randn(3, 3, plan.image_size, plan.image_size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours = backbone(images)
        difference = max(
            float((run(batch) - ours[: len(batch)]).abs().max()) for batch in (images, images[:1])
        )
    largest = float(ours.abs().max())
    # Written so that NaN fails too.
    if not difference <= TOLERANCE * max(largest, 1.0):
        raise SslToolboxError(
            f"the exported network gives other features: they differ by {difference:.2g}, and the largest is "
            f"{largest:.2g}; nothing was written"
        )
    return difference
