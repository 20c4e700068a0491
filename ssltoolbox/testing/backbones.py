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


@rule("a network")
def is_module(subject: Subject) -> None:
    network = _made(subject)
    if not isinstance(network, nn.Module):
        raise Breach(f"`{subject.name}` must give a `torch.nn.Module`, it gave {type(network).__name__}")
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise Breach(f"`{subject.name}` has no parameter that learns")


@rule("images in, pooled features out")
def features(subject: Subject) -> Iterator[Complaint]:
    size = setting_for(subject).image_size
    for device in devices():
        network = _made(subject).to(device)
        dims = set()
        for training, batch in ((True, BATCH), (False, BATCH), (False, 1)):
            given = network.train(training)(torch.randn(batch, 3, size, size, device=device))
            if not isinstance(given, Tensor) or given.ndim != 2 or len(given) != batch:
                raise Breach(
                    f"`{subject.name}.forward` must give [B, features] of [B, 3, {size}, {size}], it gave "
                    f"{shape_of(given)} of a batch of {batch}: average over the image, and have no classifier"
                )
            if not given.isfinite().all():
                yield Complaint("finite", f"`{subject.name}.forward` gives features that are not finite")
            dims.add(given.shape[1])
        if len(dims) > 1:
            yield Complaint(
                "dim", f"`{subject.name}.forward` gives another number of features at times: {dims}"
            )


@rule("an image's features are its own in evaluation mode")
def independent(subject: Subject) -> None:
    network, images = _made(subject).eval(), _images(subject)
    with torch.no_grad():
        together, alone = network(images)[:1], network(images[:1])
    if not torch.allclose(together, alone, rtol=1e-3, atol=1e-4):
        raise Breach(
            f"`{subject.name}` gives an image other features beside other images in evaluation mode: leave out "
            "what mixes the batch, or switch it off by `self.training`"
        )


@rule("gradients reach all that learns")
def gradients(subject: Subject) -> Iterator[Complaint]:
    network = _made(subject)
    network(_images(subject)).square().sum().backward()
    for name, parameter in network.named_parameters():
        if parameter.requires_grad and parameter.grad is None:
            yield Complaint(
                name,
                f"no gradient reaches `{name}` of `{subject.name}`, which stops training on several devices: "
                "remove it, or freeze it by `requires_grad_(False)`",
            )


@rule("the seed decides the weights")
def reproducible(subject: Subject) -> Iterator[Complaint]:
    first, second = (_made(subject).state_dict() for _ in range(2))
    for name, value in first.items():
        if not same(value, second[name]):
            yield Complaint(
                name,
                f"`{name}` of `{subject.name}` differs between two networks of one seed: draw from torch's global "
                "generator alone",
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
                f"`{subject.name}` can't load the weights that it saved: {first_line(error)}; keep all of its "
                "state in parameters and buffers that are there from the start, and share none between two names"
            ) from error
    with torch.no_grad():
        before, after = (network.eval()(_images(subject)) for network in (trained, fresh))
    if not same(before, after):
        raise Breach(
            f"`{subject.name}` gives other features after its weights were saved and loaded: what changes its "
            "features must be a parameter, or a buffer of `register_buffer(…, persistent=True)`"
        )


@rule("can be copied")
def copied(subject: Subject) -> None:
    try:
        copy.deepcopy(_made(subject))
    except Exception as error:
        raise Breach(
            f"`copy.deepcopy` of `{subject.name}` raised {type(error).__name__}: {first_line(error)}; momentum "
            "networks and evaluation copy it"
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
