"""Saliency of the features, by occlusion (Zeiler and Fergus 2014, by captum).

A square window covers one part of the image after the other. The score of a covered image is the cosine similarity
of its features to the features of the whole image. The saliency of a pixel is the mean of 1 − score over the
windows that cover the pixel. Gradients can't be used here: the score is largest at the whole image, where its
gradient is 0. Occlusion needs no layer of a certain kind, so networks of any kind can be compared.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ssltoolbox.api import UserError

WINDOW = 1 / 6
"""Side of the covering square, as a fraction of the image's: about an eye. Windows overlap by half."""
AT_ONCE = 16
"""Windows in one forward pass, for each image."""


def occlusion_method() -> type[Any]:
    """captum's `Occlusion`.

    Raises:
        UserError: when captum is not installed.
    """
    try:
        from captum.attr import Occlusion
    except ImportError as error:
        raise UserError(
            "saliency needs captum, which is not installed", "pip install 'ssltoolbox[saliency]'"
        ) from error
    return Occlusion


def occlusion_maps(backbone: nn.Module, images: Tensor) -> Tensor:
    """[B, size, size] saliency, which sums to 1 in each image; 0 everywhere if no window changes the features.

    The windows have the mean colour of the image.

    Args:
        backbone: [B, 3, size, size] → [B, D], in evaluation mode.
        images: [B, 3, size, size], normalised.
    """
    window = max(2, round(WINDOW * images.shape[-1]))
    with torch.no_grad():
        moved = occlusion_method()(
            lambda covered, whole: F.cosine_similarity(backbone(covered), whole)
        ).attribute(
            images,
            sliding_window_shapes=(3, window, window),
            strides=(3, window // 2, window // 2),
            baselines=images.mean(dim=(2, 3), keepdim=True).expand_as(images),
            additional_forward_args=(backbone(images),),
            perturbations_per_eval=AT_ONCE,
        )
    # All channels are covered together, so they have the same value. Rounding may leave a similarity above 1.
    maps = moved[:, 0].clamp(min=0)
    total = maps.sum(dim=(1, 2), keepdim=True)
    return torch.where(total > 0, maps / total.clamp(min=torch.finfo(maps.dtype).tiny), 0)
