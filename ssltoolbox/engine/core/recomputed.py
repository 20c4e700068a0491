"""timm's gradient checkpointing, with running statistics that are updated once."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ssltoolbox.api import UserError

M = TypeVar("M", bound=nn.Module)


def with_checkpointing(network: M) -> M:
    """The network itself, which now computes the activations of its stages again in the backward pass.

    Features and gradients stay the same, batch norm included.

    Raises:
        UserError: for a network without timm's switch.
    """
    switch = getattr(network, "set_grad_checkpointing", None)
    try:
        if switch is None:
            raise NotImplementedError
        switch(True)
    except (AssertionError, NotImplementedError) as error:
        raise UserError(
            "trainer.grad_checkpointing: the backbone has no gradient checkpointing",
            "take it out, or set trainer.chunk_size, which works with every backbone",
        ) from error
    keep_statistics(network)
    return network


def keep_statistics(network: nn.Module) -> None:
    """Lets a second pass, inside a backward pass, leave the running statistics of batch norms as they are."""
    for norm in network.modules():
        if isinstance(norm, _BatchNorm):
            norm.register_forward_pre_hook(_keep)
            norm.register_forward_hook(_restore, always_call=True)


_KEPT = "_statistics_of_first_pass"


def _keep(norm: nn.Module, images: Any) -> None:
    """Keeps the running statistics before a second pass."""
    if torch._C._current_graph_task_id() != -1:
        kept: dict[str, Tensor] = {name: buffer.clone() for name, buffer in norm.named_buffers()}
        setattr(norm, _KEPT, kept)


@torch.no_grad()
def _restore(norm: nn.Module, images: Any, output: Any) -> None:
    """Restores them after the second pass."""
    for name, value in vars(norm).pop(_KEPT, {}).items():
        norm.get_buffer(name).copy_(value)
