"""The contract of methods, and what the engine gives them: `Target(options, context)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ssltoolbox.api.tensors import Rows, StepOutput


class Maskers(Protocol):
    """The recipe's maskers as one. False where it has none."""

    def __bool__(self) -> bool: ...

    def mask(self, anchors: Rows, candidates: Rows) -> Masking:
        """What the maskers together say of these pairs; which pairs are eligible is decided here."""
        ...


@dataclass(frozen=True, eq=False)
class Masking:
    """What the maskers say of the pairs of a step.

    Attributes:
        masked: [A, C] bool, True for a false negative.
        attract: the weight of the attraction.
        terms: named scalars for the log: the share of eligible candidates that was masked and, for each label
            of classes, how often a masked candidate has the row's class, next to chance.
    """

    masked: Tensor
    attract: float = 0.0
    terms: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def parts(self) -> Mapping[str, Tensor]:
        """The name of `terms` in API 1."""
        return self.terms


@dataclass(frozen=True)
class MethodContext:
    """What the engine gives to a method when it is built.

    Attributes:
        backbone: the trainable backbone, [B, 3, S, S] → [B, feature_dim].
        feature_dim: the size of its features.
        descriptor_dim: F, the size of the maskers' descriptors together.
        maskers: the recipe's maskers, united.
        instances: M over all ranks; a queue's length is divisible by it.
        steps: optimiser steps of the whole run, for schedules.
        distributed: True with more than one rank: gather negatives.
    """

    backbone: nn.Module
    feature_dim: int
    descriptor_dim: int
    maskers: Maskers
    instances: int
    steps: int
    distributed: bool


class Method(Protocol):
    """A method of self-supervised learning: an `nn.Module`, called as `Target(options, context)`.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from ssltoolbox.api import Options, StepOutput
        >>> class Align(nn.Module):
        ...     def __init__(self, options, context):
        ...         super().__init__()
        ...         self.backbone = context.backbone
        ...     def before_step(self, step):
        ...         pass
        ...     def step(self, view_a, view_b, rows):
        ...         side_a, side_b = self.backbone(view_a), self.backbone(view_b)
        ...         loss = (side_a - side_b).square().mean()
        ...         return StepOutput(loss, {"distance": loss.detach()}, side_a.detach(), side_b.detach())
        >>> from types import SimpleNamespace
        >>> method = Align(Options(), SimpleNamespace(backbone=nn.Flatten()))
        >>> output = method.step(torch.zeros(4, 3, 2, 2), torch.ones(4, 3, 2, 2), rows=None)
        >>> output.loss.item(), list(output.embeddings.shape)
        (1.0, [4, 12])
    """

    backbone: nn.Module

    def before_step(self, step: int) -> None:
        """Called once before each optimiser step, not each micro-batch: momentum networks follow here."""
        ...

    def step(self, view_a: Tensor, view_b: Tensor, rows: Rows) -> StepOutput:
        """The loss of a micro-batch.

        Args:
            view_a, view_b: [M, 3, size, size] of this rank; row i of both is a pair.
            rows: 2M rows, side A then side B.
        """
        ...
