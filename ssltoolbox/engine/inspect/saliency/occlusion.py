"""Saliency of an embedding: how far it moves when a part of the image is covered.

There is no classifier whose score could be explained, so the embedding itself is: the score of an image is the
cosine similarity of its embedding to that of the whole image. Gradients say nothing of it: it is greatest at the
image itself, where they vanish. So parts are covered in turn (Zeiler and Fergus 2014, by captum): the saliency of
a pixel is the mean, over the windows that cover it, of 1 − similarity. It needs no layer of a certain kind, so
networks of any kind can be compared.
"""

from __future__ import annotations

import torch
from captum.attr import Occlusion
from torch import Tensor, nn
from torch.nn import functional as F

WINDOW = 1 / 6
"""Side of the covering square, as a fraction of the image's: about an eye. Windows overlap by half."""
AT_ONCE = 16
"""Windows in one pass, for each image."""


def occlusion_maps(backbone: nn.Module, images: Tensor) -> Tensor:
    """[B, size, size] saliency that sums to 1 in each image; all 0 where nothing moves the embedding.

    Windows are filled with the image's mean colour.

    Args:
        backbone: [B, 3, size, size] → [B, D], in evaluation mode.
        images: [B, 3, size, size], normalised.
    """
    window = max(2, round(WINDOW * images.shape[-1]))
    with torch.no_grad():
        moved = Occlusion(lambda covered, whole: F.cosine_similarity(backbone(covered), whole)).attribute(
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
