"""Rules for backbones."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from ssltoolbox.api import BackboneSetting, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.models import load_weights, save_weights
from ssltoolbox.testing.compare import devices, same, seed_globally, shape_of
from ssltoolbox.testing.rules import Breach, Complaint, Subject, rule

SIZE, BATCH = 64, 4


def setting_for(subject: Subject) -> BackboneSetting:
    """The setting of a backbone in a recipe with default values."""
    size = subject.around.image_size or SIZE
    return BackboneSetting(subject.trial_name, image_size=size)


@rule("it is a network")
def is_module(subject: Subject) -> None:
    network = _made(subject)
    if not isinstance(network, nn.Module):
        raise Breach(f"`{subject.name}` must be a `torch.nn.Module`, not {type(network).__name__}")
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise Breach(f"`{subject.name}` has no parameter to train")


@rule("images give pooled features")
def features(subject: Subject) -> Iterator[Complaint]:
    size = setting_for(subject).image_size
    for device in devices():
        network = _made(subject).to(device)
        dims = set()
        for training, batch in ((True, BATCH), (False, BATCH), (False, 1)):
            given = network.train(training)(torch.randn(batch, 3, size, size, device=device))
            if not isinstance(given, Tensor) or given.ndim != 2 or len(given) != batch:
                raise Breach(
                    f"`{subject.name}.forward` must return [B, features] for [B, 3, {size}, {size}], but it "
                    f"returned {shape_of(given)} for a batch of {batch}: average over the image, and leave out "
                    "a classifier"
                )
            if not given.isfinite().all():
                yield Complaint("finite", f"`{subject.name}.forward` returns features that are not finite")
            dims.add(given.shape[1])
        if len(dims) > 1:
            yield Complaint("dim", f"`{subject.name}.forward` returns different numbers of features: {dims}")


@rule("features don't depend on other images of the batch")
def independent(subject: Subject) -> None:
    network, images = _made(subject).eval(), _images(subject)
    with torch.no_grad():
        together, alone = network(images)[:1], network(images[:1])
    if not torch.allclose(together, alone, rtol=1e-3, atol=1e-4):
        raise Breach(
            "the features of an image depend on the other images of the batch, in evaluation mode of "
            f"`{subject.name}`: remove the layer that mixes the batch, or switch it off if `self.training` is "
            "False"
        )


@rule("gradients reach all trained parameters")
def gradients(subject: Subject) -> Iterator[Complaint]:
    network = _made(subject)
    network(_images(subject)).square().sum().backward()
    for name, parameter in network.named_parameters():
        if parameter.requires_grad and parameter.grad is None:
            yield Complaint(
                name,
                f"no gradient reaches `{name}` of `{subject.name}`, so training on several devices fails: "
                "remove it, or freeze it with `requires_grad_(False)`",
            )


@rule("the seed determines the weights")
def reproducible(subject: Subject) -> Iterator[Complaint]:
    first, second = (_made(subject).state_dict() for _ in range(2))
    for name, value in first.items():
        if not same(value, second[name]):
            yield Complaint(
                name,
                f"`{name}` of `{subject.name}` differs between two networks with the same seed: take random "
                "numbers only from torch's global generator",
            )


@rule("weights are saved and loaded")
def weights(subject: Subject) -> None:
    trained, fresh = _made(subject), _made(subject, seed=1)
    trained(_images(subject))
    with TemporaryDirectory() as folder:
        path = Path(folder, "backbone.safetensors")
        try:
            save_weights(trained, path)
            load_weights(fresh, path)
        except (UserError, RuntimeError) as error:
            raise Breach(
                f"`{subject.name}` can't load the weights that it saved: {first_line(error)}; keep all state in "
                "parameters and buffers that `__init__` creates, and give none of them two names"
            ) from error
    with torch.no_grad():
        before, after = (network.eval()(_images(subject)) for network in (trained, fresh))
    if not same(before, after):
        raise Breach(
            f"`{subject.name}` computes other features after its weights were saved and loaded: keep all state "
            "in parameters, or in buffers with `register_buffer(…, persistent=True)`"
        )


@rule("it can be copied")
def copied(subject: Subject) -> None:
    try:
        copy.deepcopy(_made(subject))
    except Exception as error:
        raise Breach(
            f"`copy.deepcopy` of `{subject.name}` raised {type(error).__name__}: {first_line(error)}; momentum "
            "networks and evaluation need copies"
        ) from error


def make(subject: Subject) -> nn.Module:
    """The network."""
    network: nn.Module = subject.make(setting_for(subject))
    return network


RULES = (is_module, features, independent, gradients, reproducible, weights, copied)


def _made(subject: Subject, seed: int = 0) -> nn.Module:
    seed_globally(seed)
    return make(subject)


def _images(subject: Subject) -> Tensor:
    size = setting_for(subject).image_size
    return torch.randn(BATCH, 3, size, size, generator=torch.Generator().manual_seed(0))
