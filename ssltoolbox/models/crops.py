"""Multi-crop: the features of images of several sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import torch
from torch import Tensor


def features_of_crops(backbone: Callable[[Tensor], Tensor], images: Sequence[Tensor]) -> Tensor:
    """The features of views and local crops, in their order.

    Successive images of the same size go through the backbone as one batch. So batch norm sees the two views as
    one batch, and all local crops as another, as in the authors' code of SwAV and DINO.

    Args:
        backbone: [B, 3, s, s] → [B, feature_dim], for each of the sizes.
        images: [M, 3, s, s] each, such as `(*inputs.views, *inputs.crops)`.

    Returns:
        [M · number of images, feature_dim]; `.split(M)` gives the features of each image.

    Examples:
        >>> views, crops = [torch.zeros(2, 3, 8, 8)] * 2, [torch.ones(2, 3, 4, 4)] * 3
        >>> list(features_of_crops(lambda x: x.mean(dim=(2, 3)), [*views, *crops]).shape)
        [10, 3]
    """
    by_size = (list(group) for _, group in groupby(images, key=lambda image: image.shape[-2:]))
    return torch.cat([backbone(torch.cat(group)) for group in by_size])
