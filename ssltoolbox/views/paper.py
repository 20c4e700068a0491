"""The views of Shu et al. (BMVC 2022): part of the face covered, then augmentations by kornia, in batch.

The colour jitter has torchvision's formulas, hue turned in HSV among them. Unlike torchvision's own, kornia draws
the order of brightness, contrast, saturation and hue once for the batch; how strongly, and whether at all, is
drawn for each image.

On one CPU core an image of 64 pixels takes 0.5 ms and one of 112 pixels, from frames of 128, 1.3 ms; the view
`standard` takes 0.15 and 0.5 ms. Half of it is the hue (torch 2.15, kornia 0.9, November 2026).
"""

from __future__ import annotations

import kornia.augmentation as K
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssltoolbox.api import Side
from ssltoolbox.views.plugin import PaperOptions

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
PARTS = (slice(48, 68), slice(36, 42), slice(42, 48))
"""Mouth, left eye and right eye among the 68 iBUG landmarks."""


class PaperView:
    """Landmark mask, resize, crop, flip, colour jitter, blur, grey, ImageNet normalisation, in this order."""

    def __init__(self, options: PaperOptions) -> None:
        self.options = options
        self._enlarged = round(options.enlarge * options.size)
        self._normalise = K.Normalize(IMAGENET_MEAN, IMAGENET_STD)
        self._augmentations = {
            "a": self._after_resize(options.jitter_a),
            "b": self._after_resize(options.jitter_b),
        }

    def augment(self, images: Tensor, landmarks: Tensor, side: Side) -> Tensor:
        """[B, 3, S, S] uint8 and [B, 68, 2] pixels → [B, 3, size, size] float."""
        # In reduced precision the blur alone would round, so that blurred images were coarser than the others.
        with torch.autocast(images.device.type, enabled=False):
            pixels = _unit_range(images)
            pixels = self._cover(pixels, landmarks)
            pixels = _resize(pixels, self._enlarged)
            return self._augmentations[side](pixels)

    def plain(self, images: Tensor) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, size, size] float: the whole image."""
        return self._normalise(_resize(_unit_range(images), self.options.size))

    def _after_resize(self, jitter: float) -> nn.Module:
        options = self.options
        strengths = (options.brightness, options.contrast, options.saturation, options.hue)
        kernel = (options.blur_kernel, options.blur_kernel)
        return nn.Sequential(
            K.RandomCrop((options.size, options.size)),
            K.RandomHorizontalFlip(p=options.flip),
            K.ColorJitter(*strengths, p=jitter),
            # In two passes a kernel of 3×3 takes four times as long at 112 pixels on a CPU.
            K.RandomGaussianBlur(kernel, options.blur_sigma, separable=False, p=options.blur),
            K.RandomGrayscale(p=options.grey),
            self._normalise,
        )

    def _cover(self, pixels: Tensor, landmarks: Tensor) -> Tensor:
        count, device = len(pixels), pixels.device
        part = torch.randint(len(PARTS), (count,), device=device)
        chosen = torch.rand(count, device=device) < self.options.mask
        ellipses = part_ellipses(landmarks, part, pixels.shape[-1], self.options.mask_margin)
        covered = (ellipses & chosen[:, None, None])[:, None]
        return torch.where(covered, pixels.mean(dim=(2, 3), keepdim=True), pixels)


def part_ellipses(landmarks: Tensor, part: Tensor, size: int, margin: float) -> Tensor:
    """The ellipses that fill the bounding boxes of parts of faces, each box widened on all four sides.

    Args:
        landmarks: [B, 68, 2] pixels, whole numbers being the centres of pixels.
        part: [B] indices into `PARTS`.
        size: height and width of the images in pixels.
        margin: how much a box is widened, as a share of `size`.

    Returns:
        [B, size, size] bool: True inside; nowhere True for an image whose part has a landmark that is NaN.
    """
    low = torch.stack([landmarks[:, points].amin(dim=1) for points in PARTS])
    high = torch.stack([landmarks[:, points].amax(dim=1) for points in PARTS])
    image = torch.arange(len(part), device=part.device)
    low, high = low[part, image], high[part, image]
    radius = (high - low) / 2 + margin * size
    pixel = torch.arange(size, device=landmarks.device)[:, None]
    x, y = ((pixel - (low + high)[:, None] / 2) / radius[:, None]).square().unbind(dim=-1)
    return x[:, None, :] + y[:, :, None] <= 1


def _unit_range(images: Tensor) -> Tensor:
    return images.float() / 255


def _resize(pixels: Tensor, size: int) -> Tensor:
    if pixels.shape[-1] == size:
        return pixels
    return F.interpolate(pixels, (size, size), mode="bilinear", antialias=True)
