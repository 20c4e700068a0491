"""A second pass, inside a backward pass, leaves running statistics as they are; timm's gradient checkpointing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import torch
from torch import nn
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
            "remove it, or set trainer.chunk_size, which works with every backbone",
        ) from error
    keep_statistics(network)
    return network


@contextmanager
def same_buffers(network: nn.Module) -> Iterator[None]:
    """Around a second pass: restores the buffers, such as running statistics, at the end."""
    buffers = list(network.buffers())
    before = [buffer.clone() for buffer in buffers]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(buffers, before, strict=True):
                buffer.copy_(value)


def keep_statistics(network: nn.Module) -> None:
    """Lets a second pass, inside a backward pass, leave the running statistics of batch norms as they are.

    These are hooks, because timm's checkpointing takes no context for its second pass.
    """
    for norm in network.modules():
        if isinstance(norm, _BatchNorm):
            norm.register_forward_pre_hook(_enter)
            norm.register_forward_hook(_leave, always_call=True)


_SECOND_PASS = "_second_pass"


def _enter(norm: nn.Module, images: Any) -> None:
    if torch._C._current_graph_task_id() != -1:
        second_pass = ExitStack()
        second_pass.enter_context(same_buffers(norm))
        setattr(norm, _SECOND_PASS, second_pass)


def _leave(norm: nn.Module, images: Any, output: Any) -> None:
    vars(norm).pop(_SECOND_PASS, ExitStack()).close()
