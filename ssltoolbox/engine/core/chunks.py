"""A network that holds the activations of a few images at a time, however large the batch is."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ssltoolbox.engine.core.recomputed import same_buffers

M = TypeVar("M", bound=nn.Module)


def in_chunks(network: M, size: int) -> M:
    """The network itself, which in training now computes a batch in chunks of at most `size` images.

    Features and gradients are those of the whole batch. The forward pass keeps no activations; the backward pass
    computes each chunk again, with the same random numbers and the same precision. A copy of the network works in
    the same way. Each chunk has its own batch-norm statistics, which update the running ones once.

    Source: Gao et al., Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup, 2021.

    Args:
        network: [B, 3, S, S] → [B, F]. Its class becomes a subclass of what it was.
        size: images of a chunk; the chunks of a batch differ by at most one image.

    Examples:
        >>> network = in_chunks(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), size=4)
        >>> network(torch.zeros(10, 3, 2, 2)).shape
        torch.Size([10, 2])
    """
    own = type(network)
    network.__class__ = type(
        own.__name__, (_InChunks, own), {"chunk_size": size, "__module__": own.__module__}
    )
    return network


class _InChunks(nn.Module):
    """The class that `in_chunks` puts before that of a network."""

    chunk_size: int

    def forward(self, images: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """[B, 3, S, S] → [B, F]."""
        whole = super().forward
        count = math.ceil(len(images) / self.chunk_size)
        if count <= 1 or not self.training:
            features: Tensor = whole(images, *args, **kwargs)
            return features
        chunks = images.tensor_split(count)
        if not torch.is_grad_enabled():
            return torch.cat([whole(chunk, *args, **kwargs) for chunk in chunks])

        def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
            """Around the first pass of a chunk, and around the second."""
            return nullcontext(), same_buffers(self)

        return torch.cat(
            [
                checkpoint(whole, chunk, *args, use_reentrant=False, context_fn=contexts, **kwargs)
                for chunk in chunks
            ]
        )
