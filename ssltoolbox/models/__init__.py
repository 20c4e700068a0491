"""Backbones by timm's names, and their weights on disk. Public: methods may import it."""

from ssltoolbox.models.backbone import (
    build_backbone,
    create_backbone,
    feature_dim,
    forward_flops,
    unseen_border,
)
from ssltoolbox.models.checkpoints import read_tensors
from ssltoolbox.models.crops import features_of_crops
from ssltoolbox.models.matching import Match
from ssltoolbox.models.momentum import Momentum, momentum_copy
from ssltoolbox.models.weights import load_weights, match_weights, save_weights, weights_hash

__all__ = [
    "Match",
    "Momentum",
    "build_backbone",
    "create_backbone",
    "feature_dim",
    "features_of_crops",
    "forward_flops",
    "load_weights",
    "match_weights",
    "momentum_copy",
    "read_tensors",
    "save_weights",
    "unseen_border",
    "weights_hash",
]
