"""Rules for methods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ssltoolbox.api import MethodDescriptor, StepInputs, StepOutput
from ssltoolbox.api.errors import first_line
from ssltoolbox.api.methods import step_of
from ssltoolbox.testing.method_context import (
    DESCRIPTOR,
    INSTANCES,
    CountingMaskers,
    context,
    step_input,
)
from ssltoolbox.testing.rules import (
    Breach,
    Subject,
    changed_field,
    copy_of,
    devices,
    rule,
    same,
    seed_globally,
    shape_of,
)


def trains(subject: Subject) -> bool:
    """False for a method that only holds the backbone."""
    return isinstance(subject.card, MethodDescriptor) and subject.card.trains


def has_negatives(subject: Subject) -> bool:
    """True for a method that compares a row with negatives."""
    return trains(subject) and bool(subject.card.negatives)  # type: ignore[attr-defined]


def weighs_negatives(subject: Subject) -> bool:
    """True for a method that looks at the weights of hard negatives."""
    return trains(subject) and bool(subject.card.weights)  # type: ignore[attr-defined]


@rule("trains the backbone it is given")
def keeps_backbone(subject: Subject) -> None:
    given = context()
    if subject.make(given).backbone is not given.backbone:
        raise Breach(
            f"`{subject.name}.backbone` must be `context.backbone` itself, not a copy: it is what a run saves"
        )


@rule("a loss that is one number", trains)
def loss(subject: Subject) -> None:
    for _, output in _steps(subject):
        if not isinstance(output, StepOutput):
            raise Breach(f"`{subject.name}.step` must give a `StepOutput`, it gave {type(output).__name__}")
        if not isinstance(output.loss, Tensor) or output.loss.ndim or not output.loss.isfinite():
            raise Breach(
                f"`{subject.name}.step` must give one finite loss, [], it gave {shape_of(output.loss)}: "
                "average over the rows"
            )


@rule("gradients reach all that is trained", trains)
def gradients(subject: Subject) -> None:
    for method, output in _steps(subject):
        if not output.loss.requires_grad:
            raise Breach(f"the loss of `{subject.name}.step` has no gradient: nothing would be learned")
        output.loss.backward()
        if not any(p.grad is not None and p.grad.any() for p in method.backbone.parameters()):
            raise Breach(f"no gradient of `{subject.name}.step` reaches the backbone: where was it detached?")
        idle = [name for name, p in method.named_parameters() if p.requires_grad and p.grad is None]
        if idle:
            raise Breach(
                f"`{subject.name}` has parameters that no gradient reaches, such as {idle[0]!r}, which stops "
                "training on several devices: take them out, or, of a momentum network, set "
                "`requires_grad_(False)`"
            )


@rule("what is reported is detached", trains)
def detached(subject: Subject) -> None:
    for _, output in _steps(subject):
        for name, value in output.terms.items():
            if isinstance(value, Tensor) and value.requires_grad:
                raise Breach(
                    f"`{subject.name}.step` reports {name!r} with its gradient: add `.detach()`, or memory grows"
                )
        for name in output.terms:
            value = output.terms[name]
            if isinstance(value, Tensor) and value.numel() != 1:
                raise Breach(f"`{subject.name}.step` reports {name!r} as {shape_of(value)}, not one number")
        for name in ("embeddings", "pairs"):
            value = getattr(output, name)
            if value is not None and (value.ndim != 2 or len(value) != INSTANCES):
                raise Breach(
                    f"`{subject.name}.step` must report {name} as [{INSTANCES}, D], a row for each instance, "
                    f"it gave {shape_of(value)}"
                )


@rule("views and rows are left as they are", trains)
def input_unchanged(subject: Subject) -> None:
    for device in devices():
        given = context(device)
        method = subject.make(given).to(device)
        view_a, view_b, rows = step_input(0, device, given.descriptor_dim)
        before = view_a.clone(), view_b.clone(), copy_of(rows)
        method.before_step(0)
        step_of(method, subject.card.api)(StepInputs(view_a, view_b, rows))
        changed = changed_field(before[2], rows)
        if changed or not (same(before[0], view_a) and same(before[1], view_b)):
            raise Breach(f"`{subject.name}.step` changed {changed or 'a view'}: work on a copy")


@rule("a saved state is the whole state", trains)
def resumes(subject: Subject) -> None:
    first = _trained(subject, steps=3)
    second = subject.make(context())
    try:
        second.load_state_dict(first.state_dict())
    except RuntimeError as error:
        raise Breach(
            f"`{subject.name}` can't load what it saved: {first_line(error)}: make all buffers in `__init__`"
        ) from error
    losses = [_one_step(subject, method, step=3).loss.item() for method in (first, second)]
    if losses[0] != losses[1]:
        raise Breach(
            f"`{subject.name}` goes on differently after a resume (loss {losses[1]:g}, not {losses[0]:g}): put "
            "what changes between steps into buffers by `register_buffer(…, persistent=True)`, and let what "
            "depends on the time follow from `before_step(step)`"
        )


@rule("maskers are asked", has_negatives)
def asks_maskers(subject: Subject) -> None:
    maskers = CountingMaskers(present=True)
    method = subject.make(context(maskers=maskers))
    for step in range(2):
        output = _one_step(subject, method, step, descriptors=DESCRIPTOR)
    if not maskers.asked:
        raise Breach(
            f"`{subject.name}` says that it has negatives and never asks `context.maskers`: leave out what "
            "`maskers.mask(rows, candidates)` marks, or declare `negatives=None`, so that a recipe with a "
            "masker is refused"
        )
    if not output.loss.isfinite():
        raise Breach(f"the loss of `{subject.name}.step` is {output.loss.item()} once candidates are masked")


@rule("hard negatives are weighed", weighs_negatives)
def weighs(subject: Subject) -> None:
    losses = []
    for weight in (None, 8.0):
        seed_globally(1)
        losses.append(_one_step(subject, subject.make(context()), step=0, weight=weight).loss.item())
    plain, weighed = losses
    if plain == weighed:
        raise Breach(
            f"`{subject.name}` says that it weighs hard negatives, and its loss is {plain:g} with and without a "
            "weight: multiply what `ssltoolbox.losses.weights_within_draws(rows, candidates)` gives into the "
            "loss's sum, or leave out `weights=True`, so that a recipe with a weight is refused"
        )


RULES = (keeps_backbone, loss, gradients, detached, input_unchanged, resumes, asks_maskers, weighs)


def _steps(subject: Subject) -> Iterator[tuple[Any, StepOutput]]:
    """A method on each device, after its first step and after two more."""
    for device in devices():
        seed_globally(1)
        method = subject.make(context(device)).to(device)
        yield method, _one_step(subject, method, 0, device)
        for step in (1, 2):
            output = _one_step(subject, method, step, device)
        yield method, output


def _one_step(
    subject: Subject,
    method: Any,
    step: int,
    device: str = "cpu",
    descriptors: int = 0,
    weight: float | None = None,
) -> Any:
    """Once what a step of a run does, but for the optimiser. The same step is always given the same."""
    seed_globally(10 + step)
    method.zero_grad()
    method.before_step(step)
    view_a, view_b, rows = step_input(step, device, descriptors)
    weights = None if weight is None else torch.full((len(rows),), weight, device=device)
    rows = replace(rows, weight=weights)
    return step_of(method, subject.card.api)(StepInputs(view_a, view_b, rows, step))


def _trained(subject: Subject, steps: int) -> Any:
    seed_globally(1)
    method = subject.make(context())
    optimiser = torch.optim.SGD([p for p in method.parameters() if p.requires_grad], lr=0.05)
    for step in range(steps):
        _one_step(subject, method, step).loss.backward()
        optimiser.step()
    return method
