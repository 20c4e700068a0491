"""The views of Shu et al. (BMVC 2022): part of the face covered, then augmentations, in batch.

The colour jitter has torchvision's formulas, hue turned in HSV among them. Unlike torchvision's own, it draws the
order of brightness, contrast, saturation and hue once for the batch; how strongly, and whether at all, is drawn
for each image.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from ssltoolbox.api import Side
from ssltoolbox.views.jitter import jitter, luma
from ssltoolbox.views.pixels import (
    LOCAL_SIDES,
    in_groups,
    normalised,
    resized,
    resized_bytes,
    squares,
    unit_range,
    warped,
)
from ssltoolbox.views.plugin import PaperOptions

PARTS = (slice(48, 68), slice(36, 42), slice(42, 48))
"""Mouth, left eye and right eye among the 68 iBUG landmarks."""
_DRAWS = 13
"""Random numbers for each image."""


class PaperView:
    """Landmark mask, resize, crop, flip, colour jitter, blur, grey, ImageNet normalisation, in this order."""

    def __init__(self, options: PaperOptions) -> None:
        self.options = options
        self._jitter = {"a": options.jitter_a, "b": options.jitter_b}

    def augment(self, images: Tensor, landmarks: Tensor, side: Side) -> Tensor:
        """[B, 3, S, S] uint8 and [B, 68, 2] pixels → [B, 3, size, size] float."""
        parameters = self.random_parameters(len(images), side, images.device)
        return self.augment_with(images, landmarks, side, parameters)

    def crop(self, images: Tensor, landmarks: Tensor, number: int) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, crop_size, crop_size] float, colours as on side A, nothing covered."""
        parameters = self.random_parameters(len(images), number, images.device)
        return self.augment_with(images, landmarks, number, parameters)

    def random_parameters(self, count: int, part: Side | int, device: torch.device) -> tuple[Tensor, ...]:
        """[count, 13] uniform; [count, 4] the order of the colour jitter, the same for all; for a local crop also
        warps [count, 2, 3]."""
        local = () if isinstance(part, str) else (squares(count, *LOCAL_SIDES, self.options.flip, device),)
        return torch.rand(count, _DRAWS, device=device), torch.randperm(4).expand(count, 4), *local

    def augment_with(
        self, images: Tensor, landmarks: Tensor, part: Side | int, parameters: tuple[Tensor, ...]
    ) -> Tensor:
        """`augment` or `crop` with these parameters."""
        draws, order, *local = parameters
        steps = order[0].tolist()
        # In reduced precision some steps would round the pixels.
        with torch.autocast(images.device.type, enabled=False):
            if isinstance(part, str):
                augmented = partial(self._augmented, order=steps, jitter_share=self._jitter[part])
                return in_groups(augmented, self.options.size, images, landmarks, draws)
            cropped = partial(self._cropped, order=steps)
            return in_groups(cropped, self.options.crop_size, images, *local, draws)

    def plain(self, images: Tensor) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, size, size] float: the whole image."""
        return normalised(resized(unit_range(images), self.options.size))

    def _cropped(self, images: Tensor, theta: Tensor, draws: Tensor, order: list[int]) -> Tensor:
        """Local crops of some images."""
        crops = warped(unit_range(images), theta, self.options.crop_size)
        return self._recoloured(crops, draws, order, self._jitter["a"])

    def _augmented(
        self, images: Tensor, landmarks: Tensor, draws: Tensor, order: list[int], jitter_share: float
    ) -> Tensor:
        """The views of some images, by uniform random numbers [B, 13]."""
        options = self.options
        mask, part, left, top, flip, *_ = draws.unbind(dim=1)
        ellipses = part_ellipses(landmarks, (3 * part).long(), images.shape[-1], options.mask_margin)
        images = _cover(images, ellipses, mask < options.mask)
        pixels = resized_bytes(images, round(options.enlarge * options.size))
        pixels = _crop(pixels, options.size, torch.stack([left, top], dim=1), flip < options.flip)
        return self._recoloured(pixels, draws, order, jitter_share)

    def _recoloured(self, pixels: Tensor, draws: Tensor, order: list[int], jitter_share: float) -> Tensor:
        """[B, 3, s, s] float, 0 to 1, with jitter, blur and grey, normalised; by the same random numbers."""
        options = self.options
        colours, *amounts, sigma, blurred, grey = draws[:, 5:].unbind(dim=1)
        strengths = draws.new_tensor([options.brightness, options.contrast, options.saturation, options.hue])
        changes = (2 * torch.stack(amounts) - 1) * strengths[:, None] * (colours < jitter_share)
        pixels = jitter(pixels, changes, order)
        least, most = options.blur_sigma
        sigma = torch.where(blurred < options.blur, least + (most - least) * sigma, 0)
        pixels = _blur(pixels, sigma, options.blur_kernel)
        return normalised(pixels.lerp_(luma(pixels), (grey < options.grey).float()[:, None, None, None]))


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


def _cover(images: Tensor, mask: Tensor, wanted: Tensor) -> Tensor:
    """[B, 3, S, S] uint8, with the mean colour of the image inside a mask.

    Products of bytes: `torch.where` is much slower on a CPU.

    Args:
        images: [B, 3, S, S] uint8.
        mask: [B, S, S] bool.
        wanted: [B] bool, the images that are changed.
    """
    mean = images.mean(dim=(2, 3), keepdim=True, dtype=torch.float32).round_().to(torch.uint8)
    here = (mask.view(torch.uint8) * wanted.view(torch.uint8)[:, None, None])[:, None]
    return images * (1 - here) + mean * here


def _crop(pixels: Tensor, size: int, corner: Tensor, mirrored: Tensor) -> Tensor:
    """[B, 3, S, S] → [B, 3, size, size]; `corner` [B, 2] uniform in 0 to 1 makes all positions equally likely."""
    wide = pixels.shape[-1]
    x, y = (corner * (wide - size + 1)).long()[:, :, None].unbind(dim=1)
    along = torch.arange(size, device=pixels.device)
    x = x + torch.where(mirrored[:, None], along.flip(0), along)
    indices = ((y + along) * wide)[:, :, None] + x[:, None]
    squares = pixels.flatten(2).gather(2, indices.flatten(1)[:, None].expand(-1, 3, -1))
    return squares.unflatten(2, (size, size))


def _blur(pixels: Tensor, sigma: Tensor, kernel: int) -> Tensor:
    """Gaussian blur with σ [B] and `kernel` in pixels; σ = 0 leaves an image as it is. The border is mirrored."""
    offsets = torch.arange(kernel // 2 + 1, device=pixels.device)
    taps = torch.exp(-0.5 * (offsets / sigma[:, None].clamp_min(1e-3)) ** 2)
    taps = taps / (2 * taps.sum(dim=1, keepdim=True) - 1)
    centre, *others = taps[..., None, None, None].unbind(dim=1)
    for dim in (2, 3):
        last = pixels.shape[dim] - 1
        blurred = pixels * centre
        for far, tap in enumerate(others, 1):
            inside = last + 1 - far
            blurred.narrow(dim, far, inside).addcmul_(pixels.narrow(dim, 0, inside), tap)
            blurred.narrow(dim, 0, inside).addcmul_(pixels.narrow(dim, far, inside), tap)
            blurred.narrow(dim, 0, far).addcmul_(pixels.narrow(dim, 1, far).flip(dim), tap)
            blurred.narrow(dim, inside, far).addcmul_(pixels.narrow(dim, last - far, far).flip(dim), tap)
        pixels = blurred
    return pixels
