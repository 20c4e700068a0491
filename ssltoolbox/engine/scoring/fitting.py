"""Lightning's Trainer for tasks that train a network. It is imported when the first of them begins."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ssltoolbox.models.lightning import quiet_lightning
from ssltoolbox.plan import Plan
from ssltoolbox.recipe import dump

if TYPE_CHECKING:
    from pytorch_lightning import Callback, LightningModule


@dataclass(frozen=True)
class ResumableFit:
    """Trains networks of tasks, and resumes what was interrupted. See `ssltoolbox.api.tasks.Fit`.

    Attributes:
        plan: of the run; another recipe begins anew.
        device: trains; one device only, as the batches of tasks are small. Other devices train for other tasks.
        folder: of the checkpoints.
    """

    plan: Plan
    device: torch.device
    folder: Path

    def __call__(
        self,
        module: LightningModule,
        batches: Callable[[int], Iterable[Any]],
        steps: int,
        callbacks: Sequence[Callback] = (),
        name: str = "",
    ) -> None:
        """
        Raises:
            KeyboardInterrupt: when a signal stopped it; the step is finished and saved.
        """
        from pytorch_lightning import Trainer
        from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]

        from ssltoolbox.engine.core.lightning import fit, precision_of
        from ssltoolbox.engine.runs.checkpoint import AtomicCheckpointIO, read_checkpoint
        from ssltoolbox.engine.runs.saving import SaveCheckpoints, StopOnSignal, StoppedAtOnce

        recipe = self.plan.recipe.trainer
        digest = hashlib.sha256(f"{dump(self.plan.recipe)}\n{name}".encode()).hexdigest()
        path = self.folder / f"{digest[:32]}.ckpt"
        checkpoint = path if path.exists() else None
        done = int(read_checkpoint(path)["global_step"]) if checkpoint else 0
        saver = SaveCheckpoints(path, recipe.checkpoint_steps, steps, accumulate=1)
        stopper = StopOnSignal(saver)
        with quiet_lightning(), stopper.listening():
            trainer = Trainer(
                accelerator=self.device.type,
                devices=1 if self.device.type == "cpu" else [_number(self.device)],
                precision=precision_of(recipe.precision, self.device.type),
                max_steps=steps,
                callbacks=[*callbacks, saver, stopper],
                plugins=[AtomicCheckpointIO(), LightningEnvironment()],
                default_root_dir=self.folder,
                logger=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            try:
                fit(trainer, module, _From(batches, done), checkpoint)
            except StoppedAtOnce:
                raise KeyboardInterrupt from None

    def clear(self) -> None:
        """Removes the checkpoints, once the results that they led to are written."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _number(device: torch.device) -> int:
    """Of a GPU; that of this process if the device has none."""
    return torch.cuda.current_device() if device.index is None else device.index


class _From:
    """The batches from a step on, as what Lightning iterates over."""

    def __init__(self, batches: Callable[[int], Iterable[Any]], step: int) -> None:
        self._batches, self._step = batches, step

    def __iter__(self) -> Any:
        return iter(self._batches(self._step))
