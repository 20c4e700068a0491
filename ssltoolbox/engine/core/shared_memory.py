"""Shared memory, where a loader's workers lay what they have loaded. Containers often have 64 MB of it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch

from ssltoolbox.api import SslToolboxError
from ssltoolbox.support.words import bytes_text

FOLDER = Path("/dev/shm")
"""Where Linux has it."""
IN_USE = 3
"""Batches that the main process has at once: in the step, ready for the next one, and on its way."""
USABLE = 0.9
"""The share of what is free that batches may fill: other programs need some too."""


def workers_with_room(workers: int, batch: int, ahead: int, processes: int = 1) -> int:
    """How many of the workers have room in shared memory for all that they may have ready.

    Args:
        workers: wanted.
        batch: bytes of a batch.
        ahead: batches that each worker is ahead.
        processes: how many share the machine, each with workers of its own.
    """
    if not FOLDER.is_dir():
        return workers
    batches = USABLE * shutil.disk_usage(FOLDER).free / (processes * max(1, batch))
    return max(0, min(workers, int((batches - IN_USE) / ahead)))


def too_little(wanted: int, workers: int, batch: int) -> str:
    """A line for the user who gets fewer workers than wanted."""
    free = bytes_text(shutil.disk_usage(FOLDER).free)
    return (
        f"{workers} of {wanted} loader workers: {FOLDER} has {free} free, and a batch takes {bytes_text(batch)}; "
        "more of it makes loading faster (docker run --shm-size)"
    )


def is_full(error: Exception) -> bool:
    """True for torch's error where shared memory has no room for a tensor."""
    return isinstance(error, RuntimeError) and "unable to allocate shared memory" in str(error)


def shared_memory_error() -> SslToolboxError:
    """What the user should know then."""
    return SslToolboxError(
        f"shared memory ({FOLDER}) is full; set trainer.workers to 0, or give the container more of it "
        "(docker run --shm-size)"
    )


def tensor_bytes(item: Any) -> int:
    """The bytes of all tensors in an item, however deep.

    >>> tensor_bytes({"a": torch.zeros(2, 3), "b": [torch.zeros(4, dtype=torch.uint8)], "c": "text"})
    28
    """
    if isinstance(item, torch.Tensor):
        return item.nbytes
    if isinstance(item, Mapping):
        return sum(map(tensor_bytes, item.values()))
    if is_dataclass(item):
        return sum(tensor_bytes(getattr(item, field.name)) for field in fields(item))
    if isinstance(item, Sequence) and not isinstance(item, str | bytes):
        return sum(map(tensor_bytes, item))
    return 0
