"""Finds false negatives by similarity.

Source: Huynh, Kornblith, Walter, Maire and Khademi, *Boosting Contrastive Self-Supervised Learning with False
Negative Cancellation*, WACV 2022. The two views of an image are its support set.
"""

from __future__ import annotations

import torch
from torch import Tensor


def support_similarity(similarity: Tensor) -> Tensor:
    """[2N, C] the similarity of rows of both sides with candidates → the larger one of both views of an image."""
    side_a, side_b = similarity.chunk(2)
    return torch.maximum(side_a, side_b).repeat(2, 1)


def most_similar(similarity: Tensor, eligible: Tensor, top_k: int, threshold: float) -> Tensor:
    """[A, C] bool: the `top_k` most similar eligible candidates of each row, if they exceed `threshold`."""
    scores = similarity.masked_fill(~eligible, -torch.inf)
    nearest = scores.topk(min(top_k, scores.shape[1]), dim=1).indices
    found = torch.zeros_like(eligible).scatter(1, nearest, True)
    return found & eligible & (scores > threshold)
