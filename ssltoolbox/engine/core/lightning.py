"""How the engine calls Lightning: in the recipe's precision, from a checkpoint."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch


def precision_of(precision: str, device: str) -> Any:
    """Lightning's name for a recipe's `trainer.precision` on a type of device.

    `auto` means fp32 on a CPU: bf16 is faster only on CPUs with AVX512-BF16, and much slower on others.
    """
    if precision == "auto":
        precision = "bf16" if device == "cuda" and torch.cuda.is_bf16_supported() else "fp32"
    return {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[precision]


def fit(trainer: pl.Trainer, module: pl.LightningModule, data: Any, checkpoint: Path | None) -> None:
    """Trains, from the checkpoint if there is one; it is read by `AtomicCheckpointIO`, plain values only.

    Args:
        trainer: Lightning's.
        module: what is trained.
        data: a data module, or batches.
        checkpoint: to resume from.
    """
    # Lightning 2.6 has a default of its own for it; older ones know no such argument.
    safely: dict[str, Any] = (
        {"weights_only": True} if "weights_only" in signature(trainer.fit).parameters else {}
    )
    trainer.fit(module, data, ckpt_path=checkpoint, **safely)
