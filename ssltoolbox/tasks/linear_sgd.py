"""The protocol `linear_sgd`: a linear layer on frozen features, trained by SGD on augmented images.

It is the linear protocol of published tables: of MoCo (He et al., Momentum Contrast for Unsupervised Visual
Representation Learning, 2020), whose settings are the defaults, and of CycleFace (Chang et al., Learning Facial
Representations from the Cycle-consistency of Face, 2021). As there, the features are used as they are, and the
layer of the last epoch counts. Several learning rates are tried, each with a layer of its own that sees the same
batches; the val split chooses.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ssltoolbox.api import EvaluationContext, Split, UserError
from ssltoolbox.tasks.fitted import ClassModel
from ssltoolbox.tasks.frames import LabelledFrames, augmented, in_batches
from ssltoolbox.tasks.goal import Goal
from ssltoolbox.tasks.linear import LinearModel
from ssltoolbox.tasks.options import LinearSgdOptions
from ssltoolbox.tasks.selection import ProbeResult, best

INITIAL = 0.01
"""Standard deviation of the initial weights, as MoCo has it."""
DECAY = 0.1
"""Factor of the learning rate at each of `decay_at`, in both papers."""

log = logging.getLogger(__name__)
Batch = tuple[Tensor, Tensor]
"""Features [B, D] and targets [B]."""
Batches = Callable[[np.ndarray], Iterator[Batch]]
"""Order of the training images → the batches of an epoch, every image once."""


def fit_by_sgd(
    context: EvaluationContext, frames: Mapping[Split, LabelledFrames], goal: Goal, options: LinearSgdOptions
) -> ProbeResult:
    """Trains on train, chooses the learning rate on val, predicts test. The setting is the rate.

    The global random generators are restored.

    Raises:
        UserError: when it diverges at every rate.
    """
    device = context.device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(context.seed)
        layers = _trained(context, frames["train"], goal, options)
    classes = np.unique(frames["train"].targets)
    models = {rate: ClassModel(_linear(layer), classes) for rate, layer in layers.items()}
    val, test = frames["val"], frames["test"]
    seen = _features(context, val)
    rate, reached = best({each: model(seen) for each, model in models.items()}, val.targets, goal.score)
    return ProbeResult(rate, reached, models[rate](_features(context, test)), models[rate])


def _trained(
    context: EvaluationContext, train: LabelledFrames, goal: Goal, options: LinearSgdOptions
) -> dict[float, nn.Linear]:
    """A layer for each learning rate, without those that diverged."""
    layers = _new_layers(context, goal.outputs, options.lr)
    optimiser = torch.optim.SGD(
        [{"params": layer.parameters(), "lr": rate} for rate, layer in layers.items()],
        momentum=options.momentum,
        weight_decay=options.weight_decay,
    )
    batches_of = _batches_of_features if options.augment == "none" else _batches_of_images
    batches = batches_of(context, train, options)
    rng = np.random.default_rng(context.seed)
    steps = options.epochs * -(-len(train) // options.batch_size)
    with context.progress(steps, f"steps of the linear layer, {goal.task}") as tick, torch.enable_grad():
        for epoch in range(options.epochs):
            passed = sum(epoch >= share * options.epochs for share in options.decay_at)
            for group, rate in zip(optimiser.param_groups, layers, strict=True):
                group["lr"] = rate * DECAY**passed
            for features, targets in batches(rng.permutation(len(train))):
                # Each layer has a gradient of its own, as its loss depends on no other.
                loss = torch.stack([goal.loss(layer(features), targets) for layer in layers.values()]).sum()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                tick(1)
    return _finite(layers, goal.task)


def _new_layers(context: EvaluationContext, outputs: int, rates: Sequence[float]) -> dict[float, nn.Linear]:
    """A layer for each learning rate, all with the same weights."""
    first = nn.Linear(context.feature_dim, outputs)
    nn.init.normal_(first.weight, std=INITIAL)
    nn.init.zeros_(first.bias)
    layers = {rate: nn.Linear(context.feature_dim, outputs) for rate in rates}
    for layer in layers.values():
        layer.load_state_dict(first.state_dict())
        layer.to(context.device)
    return layers


def _finite(layers: Mapping[float, nn.Linear], task: str) -> dict[float, nn.Linear]:
    """The layers that have not diverged.

    Raises:
        UserError: when all have.
    """
    finite = {rate: layer for rate, layer in layers.items() if layer.weight.isfinite().all()}
    if not finite:
        raise UserError(
            f"{task}: the linear layer diverged at every learning rate", "add a lower linear_sgd.lr"
        )
    for rate in layers.keys() - finite.keys():
        log.info("%s: the linear layer diverged at the learning rate %g", task, rate)
    return finite


def _batches_of_features(
    context: EvaluationContext, train: LabelledFrames, options: LinearSgdOptions
) -> Batches:
    """Features that are computed once."""
    known, size, device = _features(context, train), options.batch_size, context.device

    def batches(order: np.ndarray) -> Iterator[Batch]:
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            features, targets = (torch.from_numpy(values[rows]) for values in (known, train.targets))
            yield features.to(device), targets.to(device)

    return batches


def _batches_of_images(
    context: EvaluationContext, train: LabelledFrames, options: LinearSgdOptions
) -> Batches:
    """Features of augmented images."""
    context.backbone.eval()

    def batches(order: np.ndarray) -> Iterator[Batch]:
        for images, targets in in_batches(context, train, order, options.batch_size):
            with torch.no_grad():
                features = context.backbone(_augmented(context, options, images)).float()
            yield features, targets

    return batches


def _augmented(context: EvaluationContext, options: LinearSgdOptions, images: Tensor) -> Tensor:
    """[B, 3, S, S] uint8 → what the network sees."""
    if options.augment == "view":
        return augmented(context.view, images)
    return context.view.plain(crop_and_flip(images, options.crop))


def crop_and_flip(images: Tensor, crop: tuple[float, float]) -> Tensor:
    """[B, 3, S, S] uint8 → the same shape: a random part of each image at full size, half of them mirrored.

    Args:
        images: to be changed.
        crop: the share of the area that is kept, at least and at most.
    """
    import kornia.augmentation as K

    size = (images.shape[2], images.shape[3])
    change = K.AugmentationSequential(
        K.RandomResizedCrop(size, scale=crop, cropping_mode="resample"), K.RandomHorizontalFlip(p=0.5)
    )
    return change(images.float()).round().clamp(0, 255).to(torch.uint8)


def _features(context: EvaluationContext, frames: LabelledFrames) -> np.ndarray:
    """[n, D], without augmentation."""
    return context.features(context.datasets[frames.split], frames.clip, frames.frame).values


def _linear(layer: nn.Linear) -> LinearModel:
    weight, bias = (values.detach().cpu().double().numpy() for values in (layer.weight, layer.bias))
    return LinearModel(weight.T, bias)
