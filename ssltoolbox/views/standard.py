"""SimCLR's augmentations in batch, fused into one warp, one matrix of colours and one small blur.

All colour changes are linear here (hue turns about the grey axis), so they are one 3×4 matrix for each image.
"""

from __future__ import annotations

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from ssltoolbox.api import Side
from ssltoolbox.views.jitter import LUMA
from ssltoolbox.views.pixels import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    LOCAL_SIDES,
    in_groups,
    normalised,
    resized,
    squares,
    unit_range,
    warped,
)
from ssltoolbox.views.plugin import StandardOptions


class StandardView:
    """Crop, flip, colour jitter, grey, blur, ImageNet normalisation; the two sides alike."""

    def __init__(self, options: StandardOptions) -> None:
        self.options = options

    def augment(self, images: Tensor, landmarks: Tensor, side: Side) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, size, size] float."""
        return self.augment_with(
            images, landmarks, side, self.random_parameters(len(images), side, images.device)
        )

    def crop(self, images: Tensor, landmarks: Tensor, number: int) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, crop_size, crop_size] float."""
        return self.augment_with(
            images, landmarks, number, self.random_parameters(len(images), number, images.device)
        )

    def random_parameters(self, count: int, part: Side | int, device: torch.device) -> tuple[Tensor, ...]:
        """For `count` images: warps [count, 2, 3], the two of `_colours`, and taps of blurs [count, 3]."""
        least, most = (self.options.crop, 1.0) if isinstance(part, str) else LOCAL_SIDES
        # In reduced precision some steps would round the pixels.
        with torch.autocast(device.type, enabled=False):
            theta = squares(count, least, most, self.options.flip, device)
            return theta, *self._colours(count, device), self._blur_weights(count, device)

    def augment_with(
        self, images: Tensor, landmarks: Tensor, part: Side | int, parameters: tuple[Tensor, ...]
    ) -> Tensor:
        """A square of each image, its colours changed."""
        size = self.options.size if isinstance(part, str) else self.options.crop_size
        with torch.autocast(images.device.type, enabled=False):
            return in_groups(partial(_augmented, size=size), size, images, *parameters)

    def plain(self, images: Tensor) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, size, size] float."""
        return normalised(resized(unit_range(images), self.options.size))

    def _colours(self, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Jitter and grey as an affine map of each pixel's colour.

        Returns:
            [B, 3, 3]: what multiplies a colour; and [B]: what multiplies the image's mean luma, to be added.
        """
        options = self.options
        strengths = torch.tensor(
            [options.brightness, options.contrast, options.saturation, options.hue], device=device
        )
        jittered = torch.rand(count, 1, device=device) < options.jitter
        amounts = (2 * torch.rand(count, 4, device=device) - 1) * strengths * jittered
        bright, contrast, saturation = ((1 + amounts[:, i])[:, None, None] for i in range(3))
        to_grey = torch.tensor(LUMA, device=device).expand(3, 3)
        saturation = saturation * (torch.rand(count, 1, 1, device=device) >= options.grey)
        matrix = saturation * torch.eye(3, device=device) + (1 - saturation) * to_grey
        matrix = matrix @ _hue_rotation(2 * math.pi * amounts[:, 3]) * bright * contrast
        return matrix, ((1 - contrast) * bright)[:, 0, 0]

    def _blur_weights(self, count: int, device: torch.device) -> Tensor:
        """[B, 3] taps of a Gaussian; 0, 1, 0 for an image that stays sharp."""
        sigma = 0.1 + 1.9 * torch.rand(count, device=device)
        blurred = torch.rand(count, device=device) < self.options.blur
        side = torch.exp(-0.5 / sigma**2) * blurred
        taps = torch.stack([side, torch.ones_like(side), side], dim=1)
        return taps / taps.sum(dim=1, keepdim=True)


def _augmented(
    images: Tensor, theta: Tensor, matrix: Tensor, of_mean: Tensor, taps: Tensor, size: int
) -> Tensor:
    """[B, 3, S, S] uint8 → [B, 3, size, size] float, by what was drawn for each."""
    pixels = warped(unit_range(images), theta, size)
    return _blur(_recolour(pixels, matrix, of_mean), taps)


def _recolour(pixels: Tensor, matrix: Tensor, of_mean: Tensor) -> Tensor:
    """The affine map of colours, and ImageNet's normalisation with it."""
    mean, std = (pixels.new_tensor(values) for values in (IMAGENET_MEAN, IMAGENET_STD))
    luma = pixels.mean(dim=(2, 3)) @ pixels.new_tensor(LUMA)
    offset = ((of_mean * luma)[:, None] - mean) / std
    return torch.baddbmm(offset[:, :, None], matrix / std[:, None], pixels.flatten(2)).view_as(pixels)


def _hue_rotation(angle: Tensor) -> Tensor:
    """[B] radians → [B, 3, 3] rotations about the grey axis (Rodrigues' formula)."""
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    axis = 1 / math.sqrt(3)
    cross = torch.tensor([[0.0, -axis, axis], [axis, 0.0, -axis], [-axis, axis, 0.0]], device=angle.device)
    return cos * torch.eye(3, device=angle.device) + sin * cross + (1 - cos) / 3


def _blur(pixels: Tensor, taps: Tensor) -> Tensor:
    """A separable three-tap blur with taps [B, 3] of its own for each image."""
    before, centre, after = (taps[:, i, None, None, None] for i in range(3))
    padded = F.pad(pixels, (0, 0, 1, 1), mode="reflect")
    rows = before * padded[:, :, :-2] + centre * pixels + after * padded[:, :, 2:]
    padded = F.pad(rows, (1, 1, 0, 0), mode="reflect")
    return before * padded[..., :-2] + centre * rows + after * padded[..., 2:]
