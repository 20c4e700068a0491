"""SimCLR's augmentations in batch, fused: one warp, one matrix of colours, one small blur.

Colour changes are linear here, so that all of them are one 3×4 matrix for each image; hue turns about the
grey axis. That costs about a fifth of the same steps one after the other.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ssltoolbox.api import Side
from ssltoolbox.views.jitter import LUMA
from ssltoolbox.views.pixels import IMAGENET_MEAN, IMAGENET_STD, normalised, resized, unit_range
from ssltoolbox.views.plugin import StandardOptions


class StandardView:
    """Crop, flip, colour jitter, grey, blur, ImageNet normalisation; the two sides alike."""

    def __init__(self, options: StandardOptions) -> None:
        self.options = options

    def augment(self, images: Tensor, landmarks: Tensor, side: Side) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, size, size] float."""
        pixels = unit_range(images)
        pixels = _warp(pixels, self._crop_and_flip(len(images), pixels.device), self.options.size)
        pixels = _recolour(pixels, *self._colours(pixels))
        return _blur(pixels, self._blur_weights(len(images), pixels.device))

    def plain(self, images: Tensor) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, size, size] float."""
        return normalised(resized(unit_range(images), self.options.size))

    def _crop_and_flip(self, count: int, device: torch.device) -> Tensor:
        """[B, 2, 3] from the crop's coordinates to the image's, both in [-1, 1]."""
        draws = torch.rand(count, 4, device=device)
        side = self.options.crop + (1 - self.options.crop) * draws[:, 0]
        mirror = 1 - 2 * (draws[:, 1] < self.options.flip).float()
        theta = torch.zeros(count, 2, 3, device=device)
        theta[:, 0, 0] = side * mirror
        theta[:, 1, 1] = side
        theta[:, :, 2] = (2 * draws[:, 2:] - 1) * (1 - side)[:, None]
        return theta

    def _colours(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 3, 3] and [B, 3]: jitter, grey and normalisation as one affine map of each pixel's colour."""
        options, count, device = self.options, len(pixels), pixels.device
        strengths = torch.tensor(
            [options.brightness, options.contrast, options.saturation, options.hue], device=device
        )
        jittered = torch.rand(count, 1, device=device) < options.jitter
        amounts = (2 * torch.rand(count, 4, device=device) - 1) * strengths * jittered
        bright, contrast, saturation = ((1 + amounts[:, i])[:, None, None] for i in range(3))
        to_grey = torch.tensor(LUMA, device=device).expand(3, 3)
        saturation = saturation * (torch.rand(count, 1, 1, device=device) >= options.grey)
        matrix = saturation * torch.eye(3, device=device) + (1 - saturation) * to_grey
        matrix = matrix @ _hue_rotation(2 * math.pi * amounts[:, 3]) * bright
        mean_luma = pixels.mean(dim=(2, 3)) @ to_grey[0] * bright[:, 0, 0]
        offset = ((1 - contrast[:, 0]) * mean_luma[:, None]).expand(count, 3)
        mean, std = (torch.tensor(values, device=device) for values in (IMAGENET_MEAN, IMAGENET_STD))
        return contrast * matrix / std[:, None], (offset - mean) / std

    def _blur_weights(self, count: int, device: torch.device) -> Tensor:
        """[B, 3] taps of a Gaussian; 0, 1, 0 for an image that stays sharp."""
        sigma = 0.1 + 1.9 * torch.rand(count, device=device)
        blurred = torch.rand(count, device=device) < self.options.blur
        side = torch.exp(-0.5 / sigma**2) * blurred
        taps = torch.stack([side, torch.ones_like(side), side], dim=1)
        return taps / taps.sum(dim=1, keepdim=True)


def _warp(pixels: Tensor, theta: Tensor, size: int) -> Tensor:
    grid = F.affine_grid(theta, [len(pixels), 3, size, size], align_corners=False)
    return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _recolour(pixels: Tensor, matrix: Tensor, offset: Tensor) -> Tensor:
    mixed = torch.baddbmm(offset[:, :, None], matrix, pixels.flatten(2))
    return mixed.view_as(pixels)


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
