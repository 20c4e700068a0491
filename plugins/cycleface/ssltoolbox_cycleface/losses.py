"""The terms of CycleFace's losses, in full precision; images [B, 3, H, W] are normalised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from kornia.metrics import ssim
from torch import Tensor

WINDOW = 11
"""Height and width of SSIM's Gaussian in pixels; kornia's σ is 1.5."""
MARGIN = 0.1


def l1(images: Tensor, targets: Tensor) -> Tensor:
    """[] mean |a − b|."""
    return F.l1_loss(images.float(), targets.float())


def dissimilarity(images: Tensor, targets: Tensor) -> Tensor:
    """[] 1 − SSIM (Wang et al. 2004), per channel, with zeros beyond the border and a range of 1.

    kornia reflects images at the border, or leaves the border out; zeros are padded here.
    """
    with torch.autocast(images.device.type, enabled=False):
        first, second = (F.pad(each.float(), [WINDOW // 2] * 4) for each in (images, targets))
        return 1 - ssim(first, second, WINDOW, eps=0.0, padding="valid").mean()


def gram(maps: Tensor) -> Tensor:
    """[B, C, h, w] → [B, C, C]: F·Fᵀ/(h·w)."""
    with torch.autocast(maps.device.type, enabled=False):
        flat = maps.float().flatten(2)
        return flat @ flat.transpose(1, 2) / flat.shape[2]


def style(maps: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """[] the squared distances of Gram matrices, a mean for each map, summed over maps.

    Args:
        maps: of k·B images, one tensor for each layer.
        targets: of B images; each counts for k of the others in turn.
    """
    terms = []
    for found, wanted in zip(maps, targets, strict=True):
        target = gram(wanted.detach())
        terms.append(F.mse_loss(gram(found), target.repeat(len(found) // len(wanted), 1, 1)))
    return torch.stack(terms).sum()


def asymmetry(images: Tensor) -> Tensor:
    """[] S: mean |left half − mirrored right half|."""
    images = images.float()
    return (images - images.flip(-1)).abs().mean()


def margin(means: Tensor, faces: Tensor, kind: Literal["hinge", "published"]) -> Tensor:
    """[] how far mean faces are from neutral faces, beyond the margin; see the option `margin`."""
    beyond = (means.float() - faces.float()).abs() - MARGIN
    return (beyond.relu() if kind == "hinge" else beyond).mean()
