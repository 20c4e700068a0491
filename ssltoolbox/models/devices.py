"""Which device computes."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

T = TypeVar("T")


def best_device() -> torch.device:
    """The GPU that CUDA offers, or else the CPU; an Apple GPU is not used, see `unused_gpu`."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def unused_gpu() -> str:
    """One line for the user where the machine has a GPU that is not used; empty elsewhere.

    Times of frames are float64, in batches and in the drawing of pairs, and Apple's GPUs have no float64.
    """
    if best_device().type == "cpu" and torch.backends.mps.is_available():
        return (
            "The Apple GPU is not used, because it has no 64-bit floats: everything is computed on the CPU."
        )
    return ""


def to_device(component: T, device: torch.device) -> T:
    """The component, moved to the device if it is a module; others follow the tensors that they are given."""
    return component.to(device) if isinstance(component, nn.Module) else component
