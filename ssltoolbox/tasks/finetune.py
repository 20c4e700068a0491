"""The protocol `finetune`: trains the whole network with a head on a task's labels.

Head, optimiser and schedule are those of Shu et al., Revisiting Self-Supervised Contrastive Learning for Facial
Expression Recognition, 2022. The best epoch on the val split, without augmentation, is used.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from ssltoolbox.api import EvaluationContext, Head, HeadOutput, Split, UserError, View
from ssltoolbox.tasks.frames import LabelledFrames, in_batches
from ssltoolbox.tasks.options import FineTuneOptions

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Goal:
    """The goal of fine-tuning.

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


@dataclass(frozen=True, eq=False)
class FineTuned:
    """The result of fine-tuning.

    Attributes:
        epoch: the chosen epoch, from 1.
        predicted: predictions for the frames of the test split.
        backbone, top: the network and its head, as that epoch has left them.
    """

    epoch: int
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
        return _Tuner(context, frames, goal, options).run()


def head(features: int, outputs: int, hidden: tuple[int, ...], dropout: float) -> nn.Sequential:
    """[B, features] → [B, outputs]: hidden layers with ReLU and dropout, then a linear one."""
    layers: list[nn.Module] = []
    for wide, narrow in pairwise((features, *hidden)):
        layers += [nn.Linear(wide, narrow), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear((features, *hidden)[-1], outputs))


def augmented(view: View, images: Tensor) -> Tensor:
    """[B, 3, S, S] uint8 → [B, 3, size, size], augmented as side A.

    Without landmarks, no view covers the mouth or the eyes.
    """
    nowhere = torch.full((len(images), 68, 2), torch.nan, device=images.device)
    return view.augment(images, nowhere, "a")


class _Tuner:
    def __init__(
        self,
        context: EvaluationContext,
        frames: Mapping[Split, LabelledFrames],
        goal: Goal,
        options: FineTuneOptions,
    ) -> None:
        self.context, self.frames, self.goal, self.options = context, frames, goal, options
        top = head(context.feature_dim, goal.outputs, options.hidden, options.dropout)
        self.top = top.to(context.device)
        self.network = nn.Sequential(context.backbone, self.top).to(context.device).requires_grad_(True)
        # An epoch leaves out an incomplete batch, with other images each time; fewer images are one batch.
        self.steps = max(1, len(frames["train"]) // options.batch_size)
        self.optimiser = torch.optim.Adam(
            self.network.parameters(), options.lr, weight_decay=options.weight_decay
        )
        self.schedule = CosineAnnealingLR(self.optimiser, options.epochs * self.steps)
        self.rng = np.random.default_rng(context.seed)

    def run(self) -> FineTuned:
        """Trains all epochs, and predicts the test split with the best one."""
        steps = self.options.epochs * self.steps
        with self.context.progress(steps, f"steps of fine-tuning, {self.goal.task}") as tick:
            epoch = self._best_epoch(tick)
        predicted = self.goal.decode(self._outputs(self.frames["test"]))
        self.network.requires_grad_(False)
        return FineTuned(epoch, predicted, self.context.backbone, self.top)

    def _best_epoch(self, tick: Callable[[int], None]) -> int:
        """Trains all epochs, restores the network of the best one, and returns its number."""
        best_score, best_epoch, best_state = -np.inf, 0, self.network.state_dict()
        val = self.frames["val"]
        for epoch in range(1, self.options.epochs + 1):
            self._train(tick)
            outputs = self._outputs(val)
            if not np.isfinite(outputs).all():
                raise UserError(
                    f"{self.goal.task}: fine-tuning diverged in epoch {epoch}", "try a lower finetune.lr"
                )
            score = self.goal.score(val.targets, self.goal.decode(outputs))
            log.info("%s: epoch %d of %d, %.3f on val", self.goal.task, epoch, self.options.epochs, score)
            if score > best_score:
                best_score, best_epoch = score, epoch
                best_state = copy.deepcopy(self.network.state_dict())
        self.network.load_state_dict(best_state)
        return best_epoch

    def _train(self, tick: Callable[[int], None]) -> None:
        """One epoch."""
        train = self.frames["train"]
        order = self.rng.permutation(len(train))[: self.steps * self.options.batch_size]
        self.network.train()
        for images, targets in in_batches(self.context, train, order, self.options.batch_size):
            loss = self.goal.loss(self.network(self._augmented(images)), targets)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.schedule.step()
            tick(1)

    def _augmented(self, images: Tensor) -> Tensor:
        view = self.context.view
        return augmented(view, images) if self.options.augment else view.plain(images)

    @torch.no_grad()
    def _outputs(self, frames: LabelledFrames) -> np.ndarray:
        """[n, C], without augmentation."""
        self.network.eval()
        dataset = self.context.datasets[frames.split]
        batches = self.context.read(dataset, frames.clip, frames.frame, 4 * self.options.batch_size)
        outputs_of_batches = [
            self.network(self.context.view.plain(batch.images.to(self.context.device))) for batch in batches
        ]
        outputs: np.ndarray = torch.cat(outputs_of_batches).float().cpu().numpy()
        return outputs
