"""The view. It changes all images of a batch at once, on the device."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ssltoolbox.api import Side
from ssltoolbox_soft_focus import SoftFocusOptions


class SoftFocus:
    """Resizes images and blurs some of them."""

    def __init__(self, options: SoftFocusOptions) -> None:
        self.options = options

    def augment(self, images: Tensor, landmarks: Tensor, side: Side) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, size, size] float."""
        sharp = self.plain(images)
        soft = torch.rand(len(images), 1, 1, 1, device=images.device) < self.options.p
        return torch.where(soft, F.avg_pool2d(sharp, 3, stride=1, padding=1), sharp)

    def plain(self, images: Tensor) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, size, size] float from -1 to 1, without blur."""
        size = (self.options.size, self.options.size)
        return 2 * F.interpolate(images.float() / 255, size, mode="bilinear") - 1
