"""A method under test, made as the engine makes it, with deterministic steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from ssltoolbox.api import (
    Attraction,
    Batch,
    GradientMethod,
    Masking,
    MethodContext,
    MethodDescriptor,
    Rows,
    StepInputs,
    StepOutput,
    UpdatedMethod,
)
from ssltoolbox.api.methods import step_of
from ssltoolbox.testing.compare import seed_globally
from ssltoolbox.testing.labels import labels_for
from ssltoolbox.testing.material import batch, rows
from ssltoolbox.testing.networks import network_for
from ssltoolbox.testing.rules import Subject, moved

DRAWS, HARD, DESCRIPTOR, STEPS, CROPS = 4, 1, 3, 10, 2
EVERY = slice(None)
INSTANCES = DRAWS * (1 + HARD)


class CountingMaskers:
    """Maskers that count how often they are called; False if there are none.

    Which pairs they mask depends on the pair alone, not on its position, so that ranks agree.
    """

    needs_similarity = False
    needs_embeddings = False

    def __init__(self, present: bool = False) -> None:
        self.present = present
        self.calls = 0
        self.step: int | None = None

    def __bool__(self) -> bool:
        return self.present

    def mask(
        self,
        anchors: Rows,
        candidates: Rows,
        similarity: Tensor | None = None,
        negative: Tensor | None = None,
        step: int | None = None,
        temperature: float | None = None,
        embeddings: tuple[Tensor, Tensor] | None = None,
    ) -> Masking:
        self.calls += 1
        self.step = step
        eligible = (anchors.draw[:, None] != candidates.draw) & (candidates.draw >= 0)
        masked = eligible & ((anchors.draw[:, None] + candidates.draw) % 3 == 0)
        return Masking(masked, {"third": Attraction(0.5, masked)})


def plain_context(subject: Subject) -> MethodContext:
    """The context of an auxiliary loss: a network, no maskers, one process."""
    network = network_for(subject)
    return MethodContext(
        backbone=network.backbone,
        feature_dim=network.dim,
        descriptor_dim=0,
        maskers=CountingMaskers(),
        instances=INSTANCES,
        steps=STEPS,
        distributed=False,
    )


class MethodTrial:
    """A method with deterministic weights, and its steps.

    Args:
        subject: the method.
        device: where it is.
        masked: whether there are maskers.
        draws: N over all ranks.
        share: the draws of this rank; other processes have the rest.
    """

    def __init__(
        self,
        subject: Subject,
        device: str = "cpu",
        *,
        masked: bool = False,
        draws: int = DRAWS,
        share: slice = EVERY,
    ) -> None:
        self.subject, self.device, self.draws, self.share = subject, device, draws, share
        self.card = descriptor_of(subject)
        self.maskers = CountingMaskers(masked)
        self.network = network_for(subject)
        self.network.backbone.to(device)
        self.context = self._context()
        seed_globally(1)
        self.method = moved(subject.make(self.context), device)

    def input(self, step: int, weight: float | None = None) -> StepInputs:
        """The inputs that the method asks for; they depend on the step alone."""
        generator = torch.Generator().manual_seed(step)
        sides = 2 if self.card.pairs else 1
        size, crop_size = self.network.size, self.context.crop_size
        views = torch.randn(sides, 1 + HARD, self.draws, 3, size, size, generator=generator)
        crops = torch.randn(
            self.context.crops, 1 + HARD, self.draws, 3, crop_size, crop_size, generator=generator
        )
        view_a, *view_b = views[:, :, self.share].flatten(1, 2).to(self.device)
        return StepInputs(
            view_a,
            view_b[0] if view_b else None,
            self._rows(sides, step, weight, generator),
            step,
            tuple(crops[:, :, self.share].flatten(1, 2).to(self.device)),
            self._batch(sides, step) if "batch" in self.card.inputs else None,
        )

    def step(self, step: int, weight: float | None = None, seed: int = 10) -> StepOutput:
        """One step of a run, without the optimiser."""
        self.method.zero_grad()
        return self.give(self.input(step, weight), seed)

    def give(self, inputs: StepInputs, seed: int = 10) -> StepOutput:
        """The method's answer to a step's input."""
        seed_globally(seed + inputs.step)
        if isinstance(self.method, UpdatedMethod):
            self.method.before_step(inputs.step)
        return step_of(self.method, self.card.api)(inputs)

    def learn(self, optimiser: torch.optim.Optimizer, step: int) -> None:
        """One step of a run, with the optimiser."""
        self.step(step).loss.sum().backward()
        if isinstance(self.method, GradientMethod):
            self.method.after_backward(step)
        optimiser.step()

    def learning(self) -> Iterator[tuple[str, nn.Parameter]]:
        """The parameters that the engine optimises."""
        return ((name, p) for name, p in self.method.named_parameters() if p.requires_grad)

    def without_batch_statistics(self) -> MethodTrial:
        """The same trial with batch norm and dropout in eval mode, so that instances interact in the loss only."""
        for module in self.method.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm | nn.modules.dropout._DropoutNd):
                module.eval()
        return self

    def _context(self) -> MethodContext:
        """The context that the engine gives to a new method."""
        named = self.subject.around.network
        own = self.subject.around.data_of(self.subject.kind, self.subject.card.name)
        cropped = "crops" in self.card.inputs
        return MethodContext(
            backbone=self.network.backbone,
            feature_dim=self.network.dim,
            descriptor_dim=DESCRIPTOR if self.maskers else 0,
            maskers=self.maskers,
            instances=self.draws * (1 + HARD),
            steps=STEPS,
            distributed=self.share != EVERY,
            backbone_name=named.name if named else "",
            new_backbone=lambda: network_for(self.subject, seed=2).backbone.to(self.device),
            image_size=self.network.size,
            crop_size=self.network.size // 2 if cropped else 0,
            crops=CROPS if cropped else 0,
            steps_per_epoch=STEPS,
            data=own.facts if own else None,
        )

    def _rows(self, sides: int, step: int, weight: float | None, generator: torch.Generator) -> Rows:
        count = sides * self.draws * (1 + HARD)
        descriptor = torch.randn(count, self.context.descriptor_dim, generator=generator)
        known = rows(self.draws, HARD, descriptor, labels_for(self.subject, count), sides)
        weights = None if weight is None else torch.full((count,), weight)
        known = replace(known, draw=known.draw + step * self.draws, weight=weights)
        own = torch.arange(count).view(sides * (1 + HARD), self.draws)[:, self.share].flatten()
        return known[own].to(self.device)

    def _batch(self, sides: int, step: int) -> Batch:
        roles = sides * (1 + HARD)
        by_role = labels_for(self.subject, roles * self.draws)
        labels = {
            name: values.unflatten(0, (roles, self.draws)).transpose(0, 1).flatten(0, 1)
            for name, values in by_role.items()
        }
        whole = batch(self.draws, HARD, labels=labels, sides=sides)
        whole = replace(whole, draw=whole.draw + step * self.draws)
        return whole.changed(lambda values: values[self.share]).to(self.device)


def descriptor_of(subject: Subject) -> MethodDescriptor:
    """The method's descriptor."""
    assert isinstance(subject.card, MethodDescriptor)
    return subject.card


def trains(subject: Subject) -> bool:
    """False for a method that does no training."""
    return descriptor_of(subject).trains


def calls_whole_backbone(subject: Subject) -> bool:
    """True for a method that calls the backbone, not its layers."""
    return trains(subject) and descriptor_of(subject).whole_backbone


def has_negatives(subject: Subject) -> bool:
    """True for a method that compares a row with negatives."""
    return trains(subject) and descriptor_of(subject).negatives is not None


def weighs_negatives(subject: Subject) -> bool:
    """True for a method that uses the weights of hard negatives."""
    return trains(subject) and descriptor_of(subject).weights


def learned_by(output: StepOutput) -> Iterator[Tensor]:
    """The tensors that get a gradient from the loss."""
    seen, waiting = set(), [output.loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if (variable := getattr(node, "variable", None)) is not None:
            yield variable
        waiting += [following for following, _ in node.next_functions]
