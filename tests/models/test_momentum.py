"""A momentum copy of any head: equal, independent, without gradients. It follows its module."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import pytest
import torch
from lightly.models.modules import heads
from lightly.models.utils import update_momentum
from torch import Tensor, nn

from ssltoolbox.models import Momentum, momentum_copy

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
FEATURES, HIDDEN, OUTPUT = 6, 8, 5
HEADS = {
    name: head
    for name, head in inspect.getmembers(heads, inspect.isclass)
    if issubclass(head, nn.Module) and head.__module__ == heads.__name__
}
SIZES: dict[str, Any] = {
    "input_dim": FEATURES,
    "in_features": FEATURES,
    "hidden_dim": HIDDEN,
    "bottleneck_dim": HIDDEN,
    "output_dim": OUTPUT,
    "n_prototypes": OUTPUT,
    "num_clusters": OUTPUT,
    "weight_norm": True,
    "group_features": torch.randn(OUTPUT, FEATURES),
    "beta": 0.9,
    "blocks": [(FEATURES, OUTPUT, None, None)],
}


def small(name: str) -> nn.Module:
    """A head with as few features as it takes."""
    torch.manual_seed(0)
    known = inspect.signature(HEADS[name]).parameters
    return HEADS[name](**{size: value for size, value in SIZES.items() if size in known})


def output(head: nn.Module, features: Tensor) -> Tensor:
    more = (head.group_features,) if isinstance(head, heads.SMoGPrototypes) else ()
    found = head.eval()(features, *more)
    return found[0] if isinstance(found, list | tuple) else found


@pytest.mark.parametrize("name", HEADS)
def test_a_momentum_copy_of_each_lightly_head_gives_its_outputs(name: str) -> None:
    head = small(name)
    features = torch.randn(4, FEATURES)
    expected = output(head, features)
    copied = momentum_copy(head)
    assert torch.equal(output(copied, features), expected)
    assert not any(parameter.requires_grad for parameter in copied.parameters())
    update_momentum(head, copied, m=0.5)
    for own, theirs in zip(head.parameters(), copied.parameters(), strict=True):
        assert own.data_ptr() != theirs.data_ptr()


@pytest.mark.parametrize("name", HEADS)
def test_a_trained_head_is_copied_as_it_is_now(name: str) -> None:
    head = small(name)
    features = torch.randn(4, FEATURES)
    outcome = output(head, features.requires_grad_())
    outcome.sum().backward()
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(0.1)
    assert torch.equal(output(momentum_copy(head), features), output(head, features))


def test_a_copy_follows_its_head() -> None:
    head = small("DINOProjectionHead")
    copied = momentum_copy(head)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(0.1)
    update_momentum(head, copied, m=0.0)
    features = torch.randn(4, FEATURES)
    torch.testing.assert_close(output(copied, features), output(head, features))


def test_a_constant_momentum_stays() -> None:
    assert {Momentum(nn.Linear(2, 2), momentum=0.99).at(step) for step in (0, 5, 10**6)} == {0.99}


def test_a_cosine_of_momentum_ends_at_its_final_value() -> None:
    momentum = Momentum(nn.Linear(2, 2), momentum=0.9, final=1.0, steps=11)
    values = [momentum.at(step) for step in range(11)]
    assert values == sorted(values)
    assert values[0] == pytest.approx(0.9)
    assert values[5] == pytest.approx(0.95)
    assert values[-1] == 1.0


def test_each_copy_moves_towards_its_own_module() -> None:
    modules = [nn.Linear(3, 2), nn.Linear(2, 4)]
    momentum = Momentum(*modules, momentum=0.75)
    before = [copy.deepcopy(copied) for copied in momentum.copies]
    with torch.no_grad():
        for parameter in (parameter for module in modules for parameter in module.parameters()):
            parameter.normal_()
    momentum.update(step=0)
    for module, old, new in zip(modules, before, momentum.copies, strict=True):
        torch.testing.assert_close(new.weight, 0.75 * old.weight + 0.25 * module.weight)


def test_a_deep_copy_of_its_owner_has_a_momentum_of_its_own() -> None:
    owner = nn.Module()
    owner.backbone = nn.Linear(2, 2)
    owner.momentum = Momentum(owner.backbone, momentum=0.0)
    (owner.teacher,) = owner.momentum.copies
    other = copy.deepcopy(owner)
    nn.init.zeros_(other.backbone.weight)
    other.momentum.update(step=0)
    assert not other.teacher.weight.any()
    assert owner.teacher.weight.all()
