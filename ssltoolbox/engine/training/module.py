"""One training step: prepare the batch, embed and compare, log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from ssltoolbox.api import (
    API_VERSION,
    Batch,
    GradientMethod,
    Method,
    SslToolboxError,
    StepOutput,
    UpdatedMethod,
)
from ssltoolbox.api.methods import step_of
from ssltoolbox.engine.core.auxiliary import AuxiliaryLosses
from ssltoolbox.engine.core.stages import MicroBatch, Prepared, Stages, seed_device
from ssltoolbox.engine.training.optim import Make, build_optimiser
from ssltoolbox.engine.training.ranks import ends_logged_step
from ssltoolbox.recipe import Optim
from ssltoolbox.support.files import write_json
from ssltoolbox.support.words import described

_OF_THE_METHOD = 1
"""Purpose of a seed: the method's own random numbers, such as those of dropout. See `seed_device`."""


class TrainingModule(pl.LightningModule):
    """What Lightning's Trainer trains.

    Args:
        method: an `nn.Module`.
        losses: auxiliary losses, added to the loss of the method; their parameters are trained too.
        stages: prepare a batch that the loader's workers have not prepared.
        optim: the optimiser's settings.
        make_optimiser: makes the optimiser of groups of parameters.
        lr_factor: step → factor of the learning rate.
        seed: the recipe's.
        steps_per_epoch: for the epoch that is logged.
        failure_path: the file that describes a loss that is not finite.
        api: the version of the API that the method was written for.
    """

    def __init__(
        self,
        method: Method,
        losses: AuxiliaryLosses,
        stages: Stages,
        optim: Optim,
        make_optimiser: Make,
        lr_factor: Callable[[int], float],
        seed: int,
        steps_per_epoch: int,
        failure_path: Path,
        api: int = API_VERSION,
    ) -> None:
        super().__init__()
        # Convolutions are faster with channels last; see benchmarks/RESULTS.md.
        self.method = method.to(memory_format=torch.channels_last)  # type: ignore[attr-defined]
        self._method_step = step_of(method, api)
        self.losses = losses
        self.stages = stages
        components = (stages.view, *stages.generators, *stages.maskers.maskers.values())
        # Registered here, so that Lightning moves them to the device.
        self.helpers = nn.ModuleList(each for each in components if isinstance(each, nn.Module))
        self.optim = optim
        self.make_optimiser = make_optimiser
        self.lr_factor = lr_factor
        self.seed = seed
        self.steps_per_epoch = steps_per_epoch
        self.failure_path = failure_path

    def configure_optimizers(self) -> Any:
        """The recipe's optimiser, and its schedule per optimiser step."""
        # With mixed precision, Lightning can't clip the gradients of a fused optimiser.
        optimiser = build_optimiser(
            self.method,
            self.optim,
            self.make_optimiser,
            fused=not self.trainer.gradient_clip_val,
            losses=self.losses,
        )
        schedule = LambdaLR(optimiser, self.lr_factor)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def training_step(self, micro_batch: MicroBatch, index: int) -> dict[str, Any]:
        """The loss of a micro-batch; for the callbacks also its rows, embeddings and counts."""
        position = micro_batch.position
        if position.micro_batch == 0 and isinstance(self.method, UpdatedMethod):
            self.method.before_step(position.step)
        ready = micro_batch if isinstance(micro_batch, Prepared) else self.stages(micro_batch, self._stage)
        seed_device(self.seed, position.step, position.micro_batch, position.rank, _OF_THE_METHOD)
        with self._stage("method"):
            with self.losses.recorded(self.method.backbone) as features:
                output = self._checked(self._method_step(ready.inputs))
            output = self.losses.added_to(output, features, ready.inputs)
        loss = output.loss.reshape(())
        self._check_finite(loss, ready.batch)
        if ends_logged_step(self.trainer, index, self.global_step + 1):
            self._log(loss, output.terms)
        return {
            "loss": loss,
            "embeddings": _detached(output.embeddings),
            "pairs": _detached(output.pairs),
            "rows": ready.inputs.rows,
            "counts": ready.counts,
        }

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        """Calls the method's `after_backward`, once the gradients of all micro-batches are known."""
        if isinstance(self.method, GradientMethod):
            self.method.after_backward(self.global_step)

    def _checked(self, output: Any) -> StepOutput:
        """
        Raises:
            SslToolboxError: for anything but a `StepOutput` with a loss that is one number and has a gradient.
        """
        where = f"{type(self.method).__name__}.step"
        if not isinstance(output, StepOutput):
            raise SslToolboxError(f"{where} gave {described(output)}, not a StepOutput")
        loss = output.loss
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            raise SslToolboxError(
                f"{where} gave {described(loss)} as a loss, not one number: average over the rows"
            )
        if torch.is_grad_enabled() and not loss.requires_grad:
            raise SslToolboxError(
                f"{where} gave a loss without a gradient: it is detached, or depends on no weight"
            )
        return output

    def _stage(self, name: str) -> AbstractContextManager[None]:
        """Times a stage if the run is profiled."""
        return self.trainer.profiler.profile(name)  # type: ignore[attr-defined]

    def _check_finite(self, loss: Tensor, batch: Batch) -> None:
        if torch.isfinite(loss):
            return
        step = self.global_step
        lr = self._lr()
        facts = {"step": step, "lr": lr, "loss": str(loss.item()), "clips": batch.clip[:, 0].tolist()}
        write_json(self.failure_path, facts)
        raise SslToolboxError(
            f"the loss is {loss.item()} at step {step}, learning rate {lr:.3g}; "
            f"the batch's clips are in {self.failure_path}"
        )

    def _log(self, loss: Tensor, terms: Mapping[str, Tensor | float]) -> None:
        """Logs the means over all processes."""
        epoch = self.global_step / self.steps_per_epoch
        numbers = {"loss": loss.detach(), "lr": self._lr(), "epoch": epoch, **terms}
        self.log_dict(numbers, batch_size=1, sync_dist=True)

    def _lr(self) -> float:
        rate: float = self.optimizers().param_groups[0]["lr"]  # type: ignore[union-attr]
        return rate


def _detached(values: Tensor | None) -> Tensor | None:
    return None if values is None else values.detach()
