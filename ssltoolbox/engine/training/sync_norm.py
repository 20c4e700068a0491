"""Batch norm with the statistics of the whole batch, over all processes of a run."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from pytorch_lightning.plugins import LayerSync
from timm.layers.norm_act import BatchNormAct2d, convert_sync_batchnorm
from torch import Tensor, distributed, nn
from torch.nn import Module
from torch.nn.modules.batchnorm import _BatchNorm

from ssltoolbox.engine.core.recomputed import keep_statistics


class SyncBatchNorm(LayerSync):
    """Synchronises batch norms, including timm's norms with an activation.

    Lightning uses torch's conversion, which drops the activation of timm's `BatchNormAct2d` (EfficientNets,
    MobileNets, RegNets) and does not support CPUs.

    Args:
        cuda: True on GPUs.
        recomputed: whether a backward pass computes activations again; see `with_checkpointing`.
    """

    def __init__(self, cuda: bool, recomputed: bool = False) -> None:
        self.cuda, self.recomputed = cuda, recomputed

    def apply(self, model: Module) -> Module:
        """The model with synchronised norms; parameters and names stay."""
        if self.cuda:
            converted: Module = convert_sync_batchnorm(model)
            if self.recomputed:
                keep_statistics(converted)  # the norms are new ones, without hooks
            return converted
        for norm in model.modules():
            if type(norm) is BatchNormAct2d:
                norm.__class__ = CpuSyncBatchNormAct
            elif type(norm) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d):
                norm.__class__ = CpuSyncBatchNorm
        return model

    def revert(self, model: Module) -> Module:
        """The model unchanged: weights are saved by name, and evaluation makes its own network."""
        return model


class CpuSyncBatchNorm(_BatchNorm):
    """A batch norm whose statistics are those of all processes, on a CPU."""

    def forward(self, input: Tensor) -> Tensor:
        """[B, C, …] → the same, normalised."""
        return _normalised(self, input)

    def _check_input_dim(self, input: Tensor) -> None:
        """Accepts any number of dimensions."""


class CpuSyncBatchNormAct(BatchNormAct2d):
    """timm's norm with an activation, with the statistics of all processes, on a CPU."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] → the same, normalised and activated."""
        activated: Tensor = self.act(self.drop(_normalised(self, x)))
        return activated


def _normalised(norm: _BatchNorm, images: Tensor) -> Tensor:
    if not norm.training:
        return F.batch_norm(
            images, norm.running_mean, norm.running_var, norm.weight, norm.bias, training=False, eps=norm.eps
        )
    others = [dim for dim in range(images.dim()) if dim != 1]
    shape = [-1 if dim == 1 else 1 for dim in range(images.dim())]
    values = images.float()
    count = values.numel() // values.shape[1] * distributed.get_world_size()
    mean = _SumOverRanks.apply(values.sum(others)) / count
    centred = values - mean.view(shape)
    variance = _SumOverRanks.apply(centred.square().sum(others)) / count
    _remember(norm, mean.detach(), variance.detach() * (count / max(1, count - 1)))
    scale = torch.rsqrt(variance + norm.eps)
    if norm.weight is not None:
        scale = scale * norm.weight
    normalised = centred * scale.view(shape)
    if norm.bias is not None:
        normalised = normalised + norm.bias.view(shape)
    return normalised.to(images.dtype)


@torch.no_grad()
def _remember(norm: _BatchNorm, mean: Tensor, variance: Tensor) -> None:
    """Updates the running statistics, as torch's batch norm does."""
    if norm.running_mean is None or norm.running_var is None or norm.num_batches_tracked is None:
        return
    norm.num_batches_tracked += 1
    momentum = 1 / int(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    norm.running_mean.lerp_(mean, momentum)
    norm.running_var.lerp_(variance, momentum)


class _SumOverRanks(torch.autograd.Function):
    """The sum over all processes; the gradient of each summand is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        distributed.all_reduce(total)
        return total
