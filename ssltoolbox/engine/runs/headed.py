"""A backbone with a head that `evaluate` kept: from images to probabilities and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ssltoolbox.api import HeadOutput, UserError, View
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.runs.folder import RunFolder, open_run
from ssltoolbox.engine.runs.heads import HeadCard, network_of, read_head, tasks_with_heads
from ssltoolbox.models import weights_hash
from ssltoolbox.plan import Plan
from ssltoolbox.recipe import override_of


class HeadedNetwork(nn.Module):
    """A backbone and a head: [B, 3, size, size], normalised → [B, C] predictions.

    Attributes:
        columns: what the C predictions are: `expression_happy`, a probability, or `valence`, a number.
        card: what is known of the head.
        plan: the run's, with the view that the head was fitted with.
        view: `view.plain` makes the images of pixels.
        backbone: [B, 3, size, size] → [B, D].
        head: [B, D] → [B, C], before probabilities.
    """

    def __init__(
        self, backbone: nn.Module, head: nn.Sequential, card: HeadCard, plan: Plan, view: View
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.card = card
        self.plan = plan
        self.view = view

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the predictions."""
        return tuple(column for output in self.card.outputs for column in output.columns)

    def forward(self, images: Tensor) -> Tensor:
        return self.of_features(self.backbone(images))

    def of_features(self, features: Tensor) -> Tensor:
        """[B, D] → [B, C]."""
        widths = [len(output.columns) for output in self.card.outputs]
        parts = zip(self.card.outputs, self.head(features).split(widths, dim=1), strict=True)
        return torch.cat([_activated(output, part) for output, part in parts], dim=1)


def headed_network(run: Path, task: str) -> HeadedNetwork:
    """The head of a task and its network, in evaluation mode, with the view that it was fitted with.

    Raises:
        UserError: when there is no finished run, or no such head, or the head is of another network.
    """
    [network] = headed_networks(run, [task])
    return network


def headed_networks(run: Path, tasks: Sequence[str] = ()) -> list[HeadedNetwork]:
    """A `headed_network` for each task; for each head of the run if no task is given.

    Heads of the same features and view share both.

    Raises:
        UserError: as there, and where the run has no head at all.
    """
    folder, plan = open_run(run)
    tasks = tasks or tasks_with_heads(folder)
    if not tasks:
        raise UserError(
            f"the run in {run} has no head that could predict",
            f"run ssltoolbox evaluate {run} --tasks TASK first; every protocol but knn keeps one",
        )
    made: dict[tuple[Path, str, tuple[str, ...]], tuple[nn.Module, Components, str]] = {}
    networks = []
    for task in tasks:
        stored = read_head(folder, task)
        card, weights = stored.card, stored.backbone or folder.backbone
        key = weights, str(sorted(card.view.items())), card.features
        if key not in made:
            components = Components(_as_fitted(folder, plan, card))
            backbone = components.encoder(weights).eval()
            made[key] = backbone, components, weights_hash(backbone)
        backbone, components, digest = made[key]
        if digest != card.weights:
            raise UserError(
                f"the head of the task {task!r} in {folder.path} was fitted to other weights than it now has",
                f"run ssltoolbox evaluate {folder.path} --tasks {task.partition('#')[0]} again",
            )
        head = network_of(stored.layers)
        networks.append(HeadedNetwork(backbone, head, card, components.plan, components.view).eval())
    return networks


def _as_fitted(folder: RunFolder, plan: Plan, card: HeadCard) -> Plan:
    """The run's plan with the view and the layers that the head was fitted with."""
    changed = []
    if plan.views.spelled_out != card.view:
        changed.append(override_of("views", dict(card.view)))
    if tuple(plan.recipe.backbone.layers) != card.features:
        changed.append(override_of("backbone.layers", list(card.features)))
    return open_run(folder.path, changed)[1] if changed else plan


def _activated(output: HeadOutput, values: Tensor) -> Tensor:
    if output.kind == "classes":
        return values.softmax(dim=1)
    return values.sigmoid() if output.kind == "yes_no" else values
