"""Batch norm over all GPUs."""

from __future__ import annotations

from pytorch_lightning.plugins import LayerSync
from timm.layers.norm_act import convert_sync_batchnorm
from torch.nn import Module


class SyncBatchNorm(LayerSync):
    """Has batch norms share their statistics, those of timm that have an activation among them.

    Lightning's own way, which is torch's, would drop that activation: EfficientNets, MobileNets and RegNets, all
    that have timm's `BatchNormAct2d`, would be trained without it.
    """

    def apply(self, model: Module) -> Module:
        """The model with synchronised norms; parameters and names stay."""
        converted: Module = convert_sync_batchnorm(model)
        return converted

    def revert(self, model: Module) -> Module:
        """The model as it is: its weights are saved by name, and evaluation makes a network of its own."""
        return model
