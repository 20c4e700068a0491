"""Backbones by timm's names, and their weights on disk. Public: methods may build on it."""

from ssltoolbox.models.backbone import create_backbone, feature_dim
from ssltoolbox.models.momentum import momentum_copy
from ssltoolbox.models.weights import load_weights, save_weights

__all__ = ["create_backbone", "feature_dim", "load_weights", "momentum_copy", "save_weights"]
