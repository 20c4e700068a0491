"""Batches on their way to a GPU."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor

from ssltoolbox.api.tensors import TensorFields

T = TypeVar("T", bound=TensorFields)


class Transfer:
    """Copies batches by a stream of its own, so that a copy runs beside what the GPU has yet to do.

    That is the backward pass of the step before: the process that asks for a batch is so far ahead. The loader has
    laid the batch into page-locked memory, or the copy would wait. Not measured: no GPU was to be had.
    """

    def __init__(self) -> None:
        self._stream: torch.cuda.Stream | None = None

    def __call__(self, batch: T, device: torch.device) -> T:
        """The batch on `device`, for work on its current stream."""
        if device.type != "cuda":
            return batch.to(device)
        if self._stream is None:
            self._stream = torch.cuda.Stream(device)
        with torch.cuda.stream(self._stream):
            moved = batch.to(device, non_blocking=True)
        used_by = torch.cuda.current_stream(device)
        used_by.wait_stream(self._stream)

        def kept(tensor: Tensor) -> Tensor:
            """Else its memory could go to a later copy while this stream still reads it."""
            tensor.record_stream(used_by)
            return tensor

        return moved.changed(kept)
