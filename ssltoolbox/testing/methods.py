"""Rules for methods."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor, nn

from ssltoolbox.api import Pictures, PicturingMethod, StepOutput
from ssltoolbox.api.errors import first_line
from ssltoolbox.testing.attributes import path_to
from ssltoolbox.testing.compare import changed_field, copy_of, devices, same, shape_of
from ssltoolbox.testing.method_trial import (
    INSTANCES,
    MethodTrial,
    calls_whole_backbone,
    has_negatives,
    learned_by,
    trains,
    weighs_negatives,
)
from ssltoolbox.testing.ranks import two_ranks
from ssltoolbox.testing.rules import Breach, Complaint, Subject, rule


@rule("it trains the given backbone")
def keeps_backbone(subject: Subject) -> None:
    trial = MethodTrial(subject)
    if trial.method.backbone is not trial.context.backbone:
        raise Breach(
            f"`{subject.name}.backbone` must be `context.backbone` itself, not a copy, because the run saves it"
        )


@rule("the loss is one number", trains)
def loss(subject: Subject) -> None:
    for _, output in _steps(subject):
        if not isinstance(output, StepOutput):
            raise Breach(f"`{subject.name}.step` must return a `StepOutput`, not {type(output).__name__}")
        if not isinstance(output.loss, Tensor) or output.loss.numel() != 1 or not output.loss.isfinite():
            raise Breach(
                f"`{subject.name}.step` must return one finite loss, but it returned {shape_of(output.loss)}: "
                "average over the rows"
            )


@rule("gradients reach the trained parameters", trains)
def gradients(subject: Subject) -> Iterator[Complaint]:
    for trial, output in _steps(subject):
        if not output.loss.requires_grad:
            raise Breach(f"the loss of `{subject.name}.step` has no gradient, so nothing is trained")
        output.loss.sum().backward()
        if not any(p.grad is not None and p.grad.any() for p in trial.method.backbone.parameters()):
            yield Complaint(
                "backbone",
                f"no gradient of `{subject.name}.step` reaches the backbone: don't detach its features",
            )
        idle = [name for name, parameter in trial.learning() if parameter.grad is None]
        if idle:
            yield Complaint(
                "parameters",
                f"`{subject.name}` has parameters that no gradient reaches, such as {idle[0]!r}, so training on "
                "several devices fails: remove them, or freeze them with `requires_grad_(False)`, as in a "
                "momentum network",
            )


@rule("it calls the backbone as a whole", calls_whole_backbone)
def calls_backbone(subject: Subject) -> None:
    trial = MethodTrial(subject)
    calls: list[Tensor] = []
    trial.method.backbone.register_forward_hook(lambda module, inputs, output: calls.append(output))
    trial.step(0)
    if not any(output.requires_grad for output in calls):
        raise Breach(
            f"`{subject.name}.step` never calls `self.backbone(images)`: call it, or declare "
            "`whole_backbone=False`, so that a recipe with `trainer.chunk_size` is rejected"
        )


@rule("all trained tensors are optimised", trains)
def optimised(subject: Subject) -> Iterator[Complaint]:
    trial = MethodTrial(subject)
    output = trial.step(0)
    known = {id(parameter) for _, parameter in trial.learning()}
    for tensor in learned_by(output):
        if id(tensor) not in known:
            path = path_to(tensor, trial.method)
            name = f"`{subject.name}.{path}`" if path else f"a tensor {shape_of(tensor)} of `{subject.name}`"
            yield Complaint(
                path,
                f"{name} gets a gradient, but is not in `parameters()`, so it is not trained or saved: keep "
                "modules in attributes or in `nn.ModuleList`, and tensors in `nn.Parameter`, not in lists or "
                "dictionaries",
            )


@rule("reported values are detached", trains)
def detached(subject: Subject) -> Iterator[Complaint]:
    for _, output in _steps(subject):
        for name, value in output.terms.items():
            if isinstance(value, Tensor) and value.requires_grad:
                yield Complaint(
                    f"gradient of {name}",
                    f"`{subject.name}.step` reports {name!r} with its gradient: add `.detach()`, or the memory "
                    "grows",
                )
        for name, value in output.terms.items():
            if isinstance(value, Tensor) and value.numel() != 1:
                yield Complaint(
                    f"shape of {name}",
                    f"`{subject.name}.step` reports {name!r} as {shape_of(value)}, not one number",
                )
        for name in ("embeddings", "pairs"):
            value = getattr(output, name)
            if value is not None and (value.ndim != 2 or len(value) != INSTANCES):
                yield Complaint(
                    f"shape of {name}",
                    f"`{subject.name}.step` must report {name} as [{INSTANCES}, D], a row for each instance, "
                    f"but it returned {shape_of(value)}",
                )


@rule("views and rows are not changed", trains)
def input_unchanged(subject: Subject) -> Iterator[Complaint]:
    for device in devices():
        trial = MethodTrial(subject, device)
        given = trial.input(0)
        before = copy_of(given.changed(Tensor.clone))
        trial.give(given)
        if changed := changed_field(before, given):
            yield Complaint(changed, f"`{subject.name}.step` changed `inputs.{changed}`: work on a copy")


@rule("the saved state is complete", trains)
def resumes(subject: Subject) -> None:
    first, second = _trained(subject, steps=3), MethodTrial(subject)
    try:
        second.method.load_state_dict(first.method.state_dict())
    except RuntimeError as error:
        raise Breach(
            f"`{subject.name}` can't load the state that it saved: {first_line(error)}; create all buffers in "
            "`__init__`"
        ) from error
    losses = [trial.step(3).loss.item() for trial in (first, second)]
    if losses[0] != losses[1]:
        raise Breach(
            f"`{subject.name}` continues differently after a resume (loss {losses[1]:g}, not {losses[0]:g}): "
            "keep state that changes between steps in buffers, with `register_buffer(…, persistent=True)`, and "
            "compute values that depend on the step in `before_step(step)`"
        )


@rule("pictures are images", trains)
def pictures(subject: Subject) -> Iterator[Complaint]:
    for device in devices():
        trial = MethodTrial(subject, device)
        method: nn.Module = trial.method
        if not isinstance(method, PicturingMethod):
            return
        before = {name: deepcopy(value) for name, value in method.eval().state_dict().items()}
        with torch.no_grad():
            shown = method.pictures(trial.input(0))
        if not isinstance(shown, Pictures):
            raise Breach(f"`{subject.name}.pictures` must return `Pictures`, not {type(shown).__name__}")
        for heading, images in shown.columns.items():
            if not images.isfinite().all():
                yield Complaint(
                    heading, f"`{subject.name}.pictures` returned a column {heading!r} that is not finite"
                )
        if not same(before, dict(method.state_dict())):
            yield Complaint(
                "state", f"`{subject.name}.pictures` changed the method: it must not change anything"
            )


@rule("it uses the maskers", has_negatives)
def asks_maskers(subject: Subject) -> Iterator[Complaint]:
    trial = MethodTrial(subject, masked=True)
    for step in range(2):
        output = trial.step(step)
    if not trial.maskers.calls:
        yield Complaint(
            "maskers",
            f"`{subject.name}` declares negatives, but never uses `context.maskers`: leave out the candidates "
            "that `maskers.mask(rows, candidates)` masks, or declare `negatives=None`, so that a recipe with a "
            "masker is rejected",
        )
    elif trial.maskers.step is None:
        yield Complaint(
            "step",
            f"`{subject.name}` does not pass the step to its maskers, so a masker with a warm-up fails: call "
            "`NTXentLoss.compare(…, step=inputs.step)`",
        )
    if not output.loss.isfinite():
        yield Complaint(
            "loss", f"the loss of `{subject.name}.step` is {output.loss.item()} if candidates are masked"
        )


@rule("it uses the hard negatives", has_negatives)
def compares_own_draw(subject: Subject) -> None:
    """With a single draw, the gradient of an anchor depends on its hard negative, if the loss compares the two."""
    plain, changed = (_anchor_gradient(subject, changed) for changed in (False, True))
    if torch.allclose(plain, changed, rtol=1e-5, atol=0.0):
        raise Breach(
            f"`{subject.name}` declares negatives, but does not compare an anchor with the hard negatives of "
            "its draw, so a sampler has no effect: compare rows of the same `draw` too, as "
            "`ssltoolbox.losses.NTXentLoss` does in batch, or declare `negatives=None`"
        )


@rule("it uses the weights of hard negatives", weighs_negatives)
def weighs(subject: Subject) -> None:
    plain, weighed = (MethodTrial(subject).step(0, weight).loss.item() for weight in (None, 8.0))
    if plain == weighed:
        raise Breach(
            f"`{subject.name}` declares `weights=True`, but its loss is {plain:g} with and without a weight: "
            "use `ssltoolbox.losses.weights_within_draws(rows, candidates)` as factors in the sum over the "
            "negatives, or remove `weights=True`, so that a recipe with a weight is rejected"
        )


def make(subject: Subject) -> nn.Module:
    """The method, with a network and maskers."""
    return MethodTrial(subject).method


RULES = (
    keeps_backbone,
    loss,
    gradients,
    calls_backbone,
    optimised,
    detached,
    input_unchanged,
    resumes,
    pictures,
    asks_maskers,
    compares_own_draw,
    weighs,
    two_ranks,
)


def _steps(subject: Subject) -> Iterator[tuple[MethodTrial, StepOutput]]:
    """A method on each device, after its first step and after two more."""
    for device in devices():
        trial = MethodTrial(subject, device)
        yield trial, trial.step(0)
        for step in (1, 2):
            output = trial.step(step)
        yield trial, output


def _anchor_gradient(subject: Subject, changed: bool) -> Tensor:
    """The gradient of the only anchor's image; `changed` replaces its hard negative."""
    trial = MethodTrial(subject, draws=1).without_batch_statistics()
    given = trial.input(0)
    anchor = given.view_a[:1].clone().requires_grad_()
    if changed:
        given = given.changed(_with_other_hard_negatives)
    output = trial.give(replace(given, view_a=torch.cat([anchor, given.view_a[1:]])))
    (gradient,) = torch.autograd.grad(output.loss.sum(), anchor, allow_unused=True)
    return torch.zeros_like(anchor) if gradient is None else gradient


def _with_other_hard_negatives(values: Tensor) -> Tensor:
    """Images [M, 3, s, s] whose first is the anchor's; other tensors as they are."""
    return torch.cat([values[:1], values[1:].flip(-1) + 1]) if values.ndim == 4 else values


def _trained(subject: Subject, steps: int) -> MethodTrial:
    trial = MethodTrial(subject)
    optimiser = torch.optim.SGD([parameter for _, parameter in trial.learning()], lr=0.05)
    for step in range(steps):
        trial.learn(optimiser, step)
    return trial
