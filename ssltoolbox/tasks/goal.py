"""What a network or a layer is trained for, on the labels of a task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class Goal:
    """The goal of a training.

    Attributes:
        task: its name, for messages.
        outputs: C, the number of outputs of the head.
        loss: (outputs [B, C], targets [B] or [B, …]) → [].
        decode: outputs [n, C] → predictions, shaped as the targets.
        score: (targets [n], predictions [n]) → the metric on the val split; higher is better.
    """

    task: str
    outputs: int
    loss: Callable[[Tensor, Tensor], Tensor]
    decode: Callable[[np.ndarray], np.ndarray]
    score: Callable[[np.ndarray, np.ndarray], float]
