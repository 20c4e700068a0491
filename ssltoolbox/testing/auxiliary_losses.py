"""Rules for auxiliary losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ssltoolbox.api import AuxiliaryInputs, LossTerms
from ssltoolbox.testing.compare import changed_field, copy_of, same, seed_globally, shape_of
from ssltoolbox.testing.material import rows
from ssltoolbox.testing.method_trial import DRAWS, HARD, plain_context
from ssltoolbox.testing.networks import network_for
from ssltoolbox.testing.rules import Breach, Subject, rule

ROWS = 2 * DRAWS * (1 + HARD)
TEMPERATURE = 0.1


@rule("the loss is one finite number")
def one_number(subject: Subject) -> None:
    for with_embeddings in (True, False):
        loss = _loss_of(_made(subject), _inputs(subject, with_embeddings))
        if not isinstance(loss, Tensor) or loss.numel() != 1 or not loss.isfinite():
            raise Breach(
                f"`{subject.name}.loss` must return one finite number, [], but it returned {shape_of(loss)}: "
                "average over the rows; `embeddings` may be None"
            )


@rule("gradients reach the features")
def gradients(subject: Subject) -> None:
    made, inputs = _made(subject), _inputs(subject, True)
    loss = _loss_of(made, inputs)
    if not loss.requires_grad:
        raise Breach(f"`{subject.name}.loss` has no gradient: don't detach its inputs")
    loss.backward()
    seen = [tensor.grad for tensor in (inputs.features, inputs.embeddings) if tensor is not None]
    if all(gradient is None for gradient in seen):
        raise Breach(f"the gradient of `{subject.name}.loss` reaches neither features nor embeddings")
    if isinstance(made, nn.Module):
        idle = [name for name, p in made.named_parameters() if p.requires_grad and p.grad is None]
        if idle:
            raise Breach(f"no gradient reaches {', '.join(idle)} of `{subject.name}`: freeze it, or use it")


@rule("inputs are not changed")
def input_unchanged(subject: Subject) -> None:
    inputs = _inputs(subject, True)
    before = copy_of(inputs.rows), inputs.features.detach().clone()
    _loss_of(_made(subject), inputs)
    changed = changed_field(before[0], inputs.rows)
    if changed or not same(before[1], inputs.features.detach()):
        raise Breach(f"`{subject.name}.loss` changed {changed or 'the features'}: work on a copy")


@rule("the same inputs give the same loss")
def reproducible(subject: Subject) -> None:
    losses = []
    for _ in range(2):
        seed_globally(1)
        losses.append(_loss_of(_made(subject), _inputs(subject, True)).item())
    if losses[0] != losses[1]:
        raise Breach(
            f"`{subject.name}.loss` returned {losses[0]:g}, then {losses[1]:g} for the same inputs and seed: "
            "take random numbers only from torch's global generator"
        )


def _made(subject: Subject) -> Any:
    """The loss, made as the engine makes it."""
    return subject.make(plain_context(subject))


def _inputs(subject: Subject, with_embeddings: bool) -> AuxiliaryInputs:
    generator = torch.Generator().manual_seed(0)
    features, embeddings = (
        torch.randn(ROWS, dim, generator=generator).requires_grad_() for dim in (network_for(subject).dim, 4)
    )
    known = rows(DRAWS, HARD, torch.zeros(ROWS, 0))
    return AuxiliaryInputs(
        features, embeddings if with_embeddings else None, known, step=0, temperature=TEMPERATURE
    )


def _loss_of(made: Any, inputs: AuxiliaryInputs) -> Any:
    given = made.loss(inputs)
    return given.loss if isinstance(given, LossTerms) else given


def make(subject: Subject) -> Any:
    """The loss, with a network."""
    return subject.make(plain_context(subject))


RULES = (one_number, gradients, input_unchanged, reproducible)
