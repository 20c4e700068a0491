"""A mild augmentation, in batch: a crop of nearly the whole image, flip, little colour jitter."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from kornia.enhance import (
    adjust_contrast_with_mean_subtraction,
    adjust_hue,
    adjust_saturation_with_gray_subtraction,
)
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor

from ssltoolbox.api import Side
from ssltoolbox_cycleface import MildOptions

FULL_TURN = 2 * torch.pi


class MildView:
    """The published augmentation. Its crop may not be larger than the image, as there it may in vain."""

    def __init__(self, options: MildOptions) -> None:
        self.options = options

    def augment(self, images: Tensor, landmarks: Tensor, side: Side) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, size, size] float."""
        parameters = self.random_parameters(len(images), side, images.device)
        return self.augment_with(images, landmarks, side, parameters)

    def random_parameters(self, count: int, part: Side | int, device: torch.device) -> tuple[Tensor, ...]:
        """For `count` images: crops [count, 2, 3], and the changes of their colours [count, 4]."""
        options = self.options
        draws = torch.rand(count, 10, device=device)
        area = options.area + (1 - options.area) * draws[:, 0]
        ratio = options.aspect ** (2 * draws[:, 1] - 1)
        sides = torch.stack([area * ratio, area / ratio], dim=1).sqrt().clamp(max=1)
        mirror = torch.where(draws[:, 2] < options.flip, -1.0, 1.0)
        theta = torch.zeros(count, 2, 3, device=device)
        theta[:, 0, 0] = sides[:, 0] * mirror
        theta[:, 1, 1] = sides[:, 1]
        theta[:, :, 2] = (2 * draws[:, 3:5] - 1) * (1 - sides)
        strengths = torch.tensor([options.strength] * 3 + [options.hue], device=device)
        changed = draws[:, 5:6] < options.jitter
        return theta, (2 * draws[:, 6:] - 1) * strengths * changed

    def augment_with(
        self, images: Tensor, landmarks: Tensor, part: Side | int, parameters: tuple[Tensor, ...]
    ) -> Tensor:
        """The crop of each image, its colours changed."""
        theta, changes = parameters
        with torch.autocast(images.device.type, enabled=False):
            pixels = self._resized(images)
            grid = F.affine_grid(theta, list(pixels.shape), align_corners=False)
            pixels = F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
            return normalised(jittered(pixels, changes))

    def plain(self, images: Tensor) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, size, size] float."""
        return normalised(self._resized(images))

    def _resized(self, images: Tensor) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, size, size] float, 0 to 1."""
        pixels, size = images.float() / 255, self.options.size
        if pixels.shape[-1] == size:
            return pixels
        return F.interpolate(pixels, (size, size), mode="bilinear", antialias=True)


def jittered(pixels: Tensor, changes: Tensor) -> Tensor:
    """Brightness, contrast, saturation and hue of [B, 3, H, W], 0 to 1, changed in this order.

    Args:
        pixels: the images.
        changes: [B, 4]; the first three are added to a factor of 1, the last is a turn of the hue.
    """
    brightness, contrast, saturation, hue = changes.unbind(dim=1)
    pixels = (pixels * (1 + brightness)[:, None, None, None]).clamp(0, 1)
    pixels = adjust_contrast_with_mean_subtraction(pixels, 1 + contrast)
    pixels = adjust_saturation_with_gray_subtraction(pixels, 1 + saturation)
    return adjust_hue(pixels, FULL_TURN * hue).clamp(0, 1)


def normalised(pixels: Tensor) -> Tensor:
    """[B, 3, H, W], 0 to 1, about ImageNet's mean in its standard deviations."""
    mean, std = (
        pixels.new_tensor(values)[:, None, None] for values in (IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
    )
    return (pixels - mean) / std
