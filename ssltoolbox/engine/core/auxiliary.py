"""The recipe's auxiliary losses: their inputs, and their sum with the method's loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ssltoolbox.api import (
    AuxiliaryInputs,
    AuxiliaryLoss,
    LossTerms,
    Options,
    SslToolboxError,
    StepInputs,
    StepOutput,
)
from ssltoolbox.support.words import described


class Weighted(NamedTuple):
    """An auxiliary loss and its weight."""

    loss: AuxiliaryLoss[Options]
    weight: float


class AuxiliaryLosses(nn.Module):
    """The recipe's auxiliary losses. False without any.

    Args:
        losses: key in the recipe → loss and weight.
    """

    def __init__(self, losses: Mapping[str, Weighted] | None = None) -> None:
        super().__init__()
        self.losses = dict(losses or {})
        # Registered here, so that torch moves, saves and optimises them.
        self.modules_of_losses = nn.ModuleList(
            item.loss for item in self.losses.values() if isinstance(item.loss, nn.Module)
        )

    def __bool__(self) -> bool:
        return bool(self.losses)

    @contextmanager
    def recorded(self, backbone: nn.Module) -> Iterator[list[Tensor]]:
        """Records the output of each call of the backbone in the list that it gives; nothing without losses."""
        features: list[Tensor] = []
        if not self:
            yield features
            return

        def record(module: nn.Module, inputs: Any, output: Tensor) -> None:
            features.append(output)

        hook = backbone.register_forward_hook(record)
        try:
            yield features
        finally:
            hook.remove()

    def added_to(self, output: StepOutput, recorded: list[Tensor], inputs: StepInputs) -> StepOutput:
        """The method's output with the losses added, and their terms: `<key>_loss`, before its weight.

        Args:
            output: the method's.
            recorded: the outputs of the backbone in this step.
            inputs: the method's.

        Raises:
            SslToolboxError: if the features are not known, or a loss is not a scalar or has no gradient.
        """
        if not self:
            return output
        seen = _seen(output, recorded, inputs)
        total, terms = output.loss, dict(output.terms)
        for key, item in self.losses.items():
            loss, more = _checked(key, item.loss.loss(seen))
            total = total + item.weight * loss
            terms[f"{key}_loss"] = loss.detach()
            terms |= {f"{key}_{name}": value for name, value in more.items()}
        return replace(output, loss=total, terms=terms)


def _seen(output: StepOutput, recorded: list[Tensor], inputs: StepInputs) -> AuxiliaryInputs:
    features = output.features
    if features is None:
        features = _first_rows(recorded, len(inputs.view_a), len(inputs.rows))
    count = len(features)
    embeddings = output.embeddings
    if embeddings is not None and count > len(embeddings):
        embeddings = None if output.pairs is None else torch.cat([embeddings, output.pairs])
    two_sides = count > len(inputs.view_a)
    rows = inputs.rows[:count]
    return AuxiliaryInputs(features, embeddings, rows, inputs.step, two_sides, output.temperature)


def _first_rows(recorded: list[Tensor], instances: int, rows: int) -> Tensor:
    """The backbone's features of all rows, or of side A if the backbone sees only side A.

    Args:
        recorded: features of side A, then of side B; what follows, such as crops, is left out.
        instances: M.
        rows: M or 2M.
    """
    given = sum(len(features) for features in recorded)
    if given < instances:
        raise SslToolboxError(
            f"auxiliary losses need the features of {instances} instances, and the method called its backbone for "
            f"{given}: it must report them as StepOutput.features"
        )
    return torch.cat(recorded)[: rows if given >= rows else instances]


def _checked(key: str, given: Tensor | LossTerms) -> LossTerms:
    outcome = LossTerms(given, {}) if isinstance(given, Tensor) else given
    if not isinstance(outcome.loss, Tensor) or outcome.loss.numel() != 1:
        raise SslToolboxError(
            f"auxiliary loss {key!r} must give one number, [], it gave {described(outcome.loss)}"
        )
    if torch.is_grad_enabled() and not outcome.loss.requires_grad:
        raise SslToolboxError(
            f"auxiliary loss {key!r} has no gradient: it detaches what it was given, or the method reports "
            "embeddings that are detached"
        )
    return LossTerms(outcome.loss.reshape(()), outcome.terms)
