"""Describes faces by their eyes and mouth, and masks the most similar ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from torch import Tensor

from ssltoolbox.api import Batch, NegativeMasker, Rows
from ssltoolbox_mask_fn import MaskFNOptions
from ssltoolbox_mask_fn.crops import eye_and_mouth_crops, pooled_crops
from ssltoolbox_mask_fn.descriptors import PATCH, PIXELS, Gradients, geometry, pixels, unit
from ssltoolbox_mask_fn.network import FrozenResNet18

FRAMES_AT_ONCE = 256
"""Limits the memory of `describe`."""
ON_CPU, PIXELS_ON_CPU = 64, 48 * 224**2
"""The most frames, and the most pixels, that are described at once on a CPU. Larger groups are slower, because the
process gets new memory at each step; benchmarks/RESULTS.md has the numbers."""
CROP = 64
"""Height and width of the crops in pixels, as in the paper."""
LEAST_CONTRAST = 1e-5
"""Of a crop between 0 and 1; less is rounding."""
FIRST_USED = 36
"""The landmarks from here on are the eyes' and the mouth's."""


class MaskFN(NegativeMasker[MaskFNOptions]):
    """A row's false negatives are the eligible candidates with the most similar descriptor.

    Source: Shu et al., BMVC 2022, section 3.3.
    """

    def __init__(self, options: MaskFNOptions) -> None:
        super().__init__(options)
        self.attract = options.attract
        # The weights are random before they are loaded. That must not change the run's random numbers.
        with torch.random.fork_rng(devices=[]):
            self._describe = _descriptor(options)

    def describe(self, batch: Batch) -> Tensor:
        """[N·R, F] of length 1; NaN for a frame without landmarks, or whose eyes or mouth are out of it."""
        images, landmarks = batch.frames.flatten(0, 1), batch.landmarks.flatten(0, 1)
        at_once = _at_once(images)
        chunks = zip(images.split(at_once), landmarks.split(at_once), strict=True)
        # The descriptors are the same in every precision.
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            return torch.cat([self._describe_known(*chunk) for chunk in chunks])

    def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
        """[A, C] bool: each row's `top_k` nearest eligible candidates by cosine; of equals, the first."""
        with torch.autocast(eligible.device.type, enabled=False):
            similarity = F.normalize(anchors.descriptor) @ F.normalize(candidates.descriptor).T
        threshold = -torch.inf if self.options.threshold is None else self.options.threshold
        allowed = eligible & (similarity >= threshold)  # False where a descriptor is NaN
        similarity = similarity.masked_fill(~allowed, -torch.inf)
        picked = torch.zeros_like(eligible)
        for _ in range(min(self.options.top_k, len(candidates))):
            nearest = similarity.argmax(dim=1, keepdim=True)  # the first of several
            picked.scatter_(1, nearest, True)
            similarity.scatter_(1, nearest, -torch.inf)
        return picked & allowed

    def _describe_known(self, images: Tensor, landmarks: Tensor) -> Tensor:
        known = landmarks[:, FIRST_USED:].isfinite().all(dim=(1, 2))
        described = self._describe(images, landmarks.where(known[:, None, None], 0.0))
        return unit(described).masked_fill(~known[:, None], torch.nan)


def _at_once(images: Tensor) -> int:
    if images.device.type != "cpu":
        return FRAMES_AT_ONCE
    return max(1, min(FRAMES_AT_ONCE, ON_CPU, PIXELS_ON_CPU // images[0, 0].numel()))


def _descriptor(options: MaskFNOptions) -> Callable[[Tensor, Tensor], Tensor]:
    """Images [B, 3, S, S] uint8 and landmarks [B, 68, 2] → [B, F]."""
    if options.descriptor == "geometry":
        return _of_landmarks
    if options.descriptor == "pixels":
        return partial(_of_crops, pixels, partial(_grey, PIXELS))
    if options.descriptor == "gradients":
        return partial(_of_crops, Gradients(), partial(_grey, PATCH))
    return partial(_of_crops, FrozenResNet18(options.weights), _coloured)


def _of_landmarks(images: Tensor, landmarks: Tensor) -> Tensor:
    return geometry(landmarks)


def _of_crops(
    describe: Callable[[Tensor], Tensor],
    cut: Callable[[Tensor, Tensor], Tensor],
    images: Tensor,
    landmarks: Tensor,
) -> Tensor:
    crops = cut(images, landmarks)
    # Crops without contrast, such as those outside of the image, would all match each other.
    contrast = crops.amax(dim=(3, 4)) - crops.amin(dim=(3, 4))
    blank = (contrast < LEAST_CONTRAST).all(dim=2).any(dim=1)
    return describe(crops).masked_fill(blank[:, None], torch.nan)


def _coloured(images: Tensor, landmarks: Tensor) -> Tensor:
    """[B, 2, 3, 64, 64]."""
    return eye_and_mouth_crops(images, landmarks, CROP)


def _grey(size: int, images: Tensor, landmarks: Tensor) -> Tensor:
    """[B, 2, 1, size, size]."""
    grey = rgb_to_grayscale(images.float())[:, 0]
    return pooled_crops(grey, landmarks, CROP, CROP // size)[:, :, None]
