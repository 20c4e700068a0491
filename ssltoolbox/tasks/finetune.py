"""The protocol `finetune`: trains the whole network with a head on a task's labels.

Head, optimiser and schedule are those of Shu et al., Revisiting Self-Supervised Contrastive Learning for Facial
Expression Recognition, 2022. The best epoch on the val split, without augmentation, is used.

It imports Lightning, so tasks import it only to fine-tune.
"""

from __future__ import annotations

import copy
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from ssltoolbox.api import EvaluationContext, Head, HeadOutput, Split, UserError
from ssltoolbox.models import weights_hash
from ssltoolbox.tasks.frames import LabelledFrames, augmented, in_batches
from ssltoolbox.tasks.goal import Goal
from ssltoolbox.tasks.options import FineTuneOptions

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class FineTuned:
    """The result of fine-tuning.

    Attributes:
        epoch: the chosen epoch, from 1.
        score: on the val split, by which it was chosen.
        predicted: predictions for the frames of the test split.
        backbone, top: the network and its head, as that epoch has left them.
    """

    epoch: int
    score: float
    predicted: np.ndarray
    backbone: nn.Module
    top: nn.Sequential

    def head(self, *outputs: HeadOutput) -> Head:
        """The head, with its network.

        Args:
            outputs: what its outputs are.
        """
        linear = [layer for layer in self.top if isinstance(layer, nn.Linear)]
        layers = tuple((_array(layer.weight), _array(layer.bias)) for layer in linear)
        return Head(outputs, layers, self.backbone.eval())


def _array(values: Tensor) -> np.ndarray:
    found: np.ndarray = values.detach().cpu().numpy()
    return found


def finetune(
    context: EvaluationContext, frames: Mapping[Split, LabelledFrames], goal: Goal, options: FineTuneOptions
) -> FineTuned:
    """Trains on train, chooses the epoch on val, predicts test.

    The global random generators are restored.

    Raises:
        UserError: when it diverges.
    """
    device = context.device
    with torch.random.fork_rng([device] if device.type == "cuda" else []), torch.enable_grad():
        torch.manual_seed(context.seed)
        tuning = _Tuning(context, frames, goal, options)
        steps = options.epochs * tuning.steps
        with context.progress(steps, f"steps of fine-tuning, {goal.task}") as tick:
            best = _BestEpoch(tick)
            context.fit(tuning, tuning.batches, steps, [best], tuning.name())
        # Lightning leaves the network on the CPU.
        tuning.network.to(device).load_state_dict(best.weights)
        predicted = goal.decode(tuning.outputs(frames["test"]))
        tuning.network.requires_grad_(False)
        return FineTuned(best.epoch, best.score, predicted, *tuning.network)


def head(features: int, outputs: int, hidden: tuple[int, ...], dropout: float) -> nn.Sequential:
    """[B, features] → [B, outputs]: hidden layers with ReLU and dropout, then a linear one."""
    layers: list[nn.Module] = []
    for wide, narrow in pairwise((features, *hidden)):
        layers += [nn.Linear(wide, narrow), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear((features, *hidden)[-1], outputs))


class _Tuning(pl.LightningModule):
    """What Lightning's Trainer trains: the network with its head.

    Attributes:
        steps: of an epoch.
    """

    def __init__(
        self,
        context: EvaluationContext,
        frames: Mapping[Split, LabelledFrames],
        goal: Goal,
        options: FineTuneOptions,
    ) -> None:
        super().__init__()
        self.context, self.frames, self.goal, self.options = context, frames, goal, options
        top = head(context.feature_dim, goal.outputs, options.hidden, options.dropout)
        self.network = nn.Sequential(context.backbone, top).to(context.device).requires_grad_(True)
        # An epoch leaves out an incomplete batch, with other images each time; fewer images are one batch.
        self.steps = max(1, len(frames["train"]) // options.batch_size)

    def name(self) -> str:
        """A digest of what the result depends on."""
        digest = hashlib.sha256(self.options.model_dump_json().encode())
        digest.update(f"{self.goal.task} {self.context.seed} {weights_hash(self.network)}".encode())
        for split in ("train", "val"):
            for values in (self.frames[split].clip, self.frames[split].frame, self.frames[split].targets):
                digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()

    def batches(self, step: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images [B, 3, S, S] uint8 and targets from a step on; each epoch has an order of its own."""
        train, size = self.frames["train"], self.options.batch_size
        rng = np.random.default_rng(self.context.seed)
        for epoch in range(self.options.epochs):
            order = rng.permutation(len(train))[: self.steps * size]
            done = max(step - epoch * self.steps, 0)
            if done < self.steps:
                yield from in_batches(self.context, train, order[done * size :], size)

    def on_after_batch_transfer(self, batch: tuple[Tensor, Tensor], _: int) -> tuple[Tensor, Tensor]:
        """[B, 3, S, S] uint8 → what the network sees; not in the reduced precision of a training step."""
        images, targets = batch
        view = self.context.view
        return (augmented(view, images) if self.options.augment else view.plain(images)), targets

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """The loss."""
        images, targets = batch
        return self.goal.loss(self.network(images).float(), targets)

    def configure_optimizers(self) -> Any:
        """Adam, with a cosine over all steps."""
        optimiser = torch.optim.Adam(
            self.network.parameters(), self.options.lr, weight_decay=self.options.weight_decay
        )
        schedule = CosineAnnealingLR(optimiser, self.options.epochs * self.steps)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    @torch.no_grad()
    def outputs(self, frames: LabelledFrames) -> np.ndarray:
        """[n, C], without augmentation."""
        self.network.eval()
        dataset = self.context.datasets[frames.split]
        batches = self.context.read(dataset, frames.clip, frames.frame, 4 * self.options.batch_size)
        outputs_of_batches = [
            self.network(self.context.view.plain(batch.images.to(self.context.device))) for batch in batches
        ]
        outputs: np.ndarray = torch.cat(outputs_of_batches).float().cpu().numpy()
        self.network.train()
        return outputs


class _BestEpoch(pl.Callback):
    """Scores each epoch on the val split and keeps the network of the best one.

    It is saved in checkpoints, together with the state of the random generators.

    Args:
        tick: gets the number of steps done since the last call.

    Attributes:
        epoch: the best one, from 1.
        weights: the state of its network.
    """

    def __init__(self, tick: Callable[[int], None]) -> None:
        self.tick = tick
        self.score, self.epoch = -np.inf, 0
        self.weights: dict[str, Tensor] = {}
        self._random: list[Tensor] = []

    def on_train_start(self, trainer: pl.Trainer, module: Any) -> None:
        """Restores the random generators of an interrupted training."""
        module.network.train()
        if self._random:
            self.tick(trainer.global_step)
            torch.set_rng_state(self._random[0].cpu())
        if len(self._random) > 1 and torch.cuda.is_available():
            torch.cuda.set_rng_state(self._random[1].cpu())

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, *_: Any) -> None:
        """Scores the network at the end of an epoch.

        Raises:
            UserError: when it has diverged.
        """
        self.tick(1)
        epoch, unfinished = divmod(trainer.global_step, module.steps)
        if unfinished:
            return
        goal, val = module.goal, module.frames["val"]
        outputs = module.outputs(val)
        if not np.isfinite(outputs).all():
            raise UserError(f"{goal.task}: fine-tuning diverged in epoch {epoch}", "try a lower finetune.lr")
        score = float(goal.score(val.targets, goal.decode(outputs)))
        log.info("%s: epoch %d of %d, %.3f on val", goal.task, epoch, module.options.epochs, score)
        if score > self.score:
            self.score, self.epoch = score, epoch
            self.weights = copy.deepcopy(module.network.state_dict())

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has of it."""
        on_gpu = [torch.cuda.get_rng_state()] if torch.cuda.is_available() else []
        random = [torch.get_rng_state(), *on_gpu]
        return {"score": self.score, "epoch": self.epoch, "weights": self.weights, "random": random}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores it."""
        self.score, self.epoch = state_dict["score"], state_dict["epoch"]
        self.weights, self._random = state_dict["weights"], state_dict["random"]
