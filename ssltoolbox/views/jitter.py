"""Colour jitter by torchvision's formulas, in batch, with strengths of its own for each image.

On a CPU new memory and `torch.where` are slow, so pixels are changed in place and mixed by masks.
"""

from __future__ import annotations

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)


def jitter(pixels: Tensor, amounts: Tensor, order: list[int]) -> Tensor:
    """Changes brightness, contrast, saturation and hue; `pixels` are overwritten.

    Args:
        pixels: [B, 3, H, W] in 0 to 1.
        amounts: [4, B]; the first three are added to a factor of 1, the last is a turn of the hue. 0 is no change.
        order: the order in which the four changes are applied.
    """
    changes = (brightness, contrast, saturation, hue)
    for number in order:
        amount = amounts[number, :, None, None, None]
        pixels = changes[number](pixels, amount if number == 3 else 1 + amount)
    return pixels


def brightness(pixels: Tensor, factor: Tensor) -> Tensor:
    """[B, 3, H, W] times [B, 1, 1, 1], in place."""
    return pixels.mul_(factor).clamp_(0, 1)


def contrast(pixels: Tensor, factor: Tensor) -> Tensor:
    """[B, 3, H, W] about each image's mean grey, in place."""
    mean = luma(pixels).mean(dim=(2, 3), keepdim=True)
    return pixels.mul_(factor).add_(mean * (1 - factor)).clamp_(0, 1)


def saturation(pixels: Tensor, factor: Tensor) -> Tensor:
    """[B, 3, H, W] about each pixel's grey, in place."""
    grey = luma(pixels).mul_(1 - factor)
    return pixels.mul_(factor).add_(grey).clamp_(0, 1)


def hue(pixels: Tensor, turn: Tensor) -> Tensor:
    """Turns the hue in HSV, in place, by [B, 1, 1, 1] turns; 1 is a full turn.

    The largest and the smallest of a pixel's values stay, and so do value and saturation. The hue, 0 to 6,
    determines the values in between.
    """
    red, green, blue = pixels.unbind(dim=1)
    larger = torch.maximum(green, blue)
    lowest = torch.minimum(green, blue).minimum(red)
    chroma = torch.maximum(larger, red).sub_(lowest)
    # Hue times chroma, by which of the three is the largest.
    scaled = (red - green).add_(chroma, alpha=4)
    scaled.lerp_((blue - red).add_(chroma, alpha=2), (green >= blue).to(pixels.dtype))
    scaled.lerp_(green - blue, (red >= larger).to(pixels.dtype))
    hue = scaled.div_(chroma.clamp_min(torch.finfo(pixels.dtype).tiny)).add_(6 * turn[:, 0])
    hue.sub_(torch.floor(hue / 6), alpha=6)
    # Within 1 of these hues red is lowest, and green and blue are highest; at a distance of 2 or more it is
    # reversed.
    for colour, middle in ((red, 3), (green, 2), (blue, 4)):
        torch.sub(hue, middle, out=colour)
    pixels.abs_().clamp_(1, 2)
    least, most = lowest - chroma, lowest.add_(chroma, alpha=2)
    torch.addcmul(least, red, chroma, out=red)
    for colour in (green, blue):
        torch.addcmul(most, colour, chroma, value=-1, out=colour)
    return pixels


def luma(pixels: Tensor) -> Tensor:
    """[B, 3, H, W] → [B, 1, H, W]."""
    red, green, blue = pixels.split(1, dim=1)
    return (LUMA[0] * red).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])
