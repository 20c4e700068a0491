"""The classifier learns who is shown, and the features learn to hide it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from ssltoolbox_identity_adversary import IdentityAdversaryOptions
from ssltoolbox_identity_adversary.loss import IdentityAdversary
from torch import Tensor

from ssltoolbox.api import AuxiliaryInputs, DataFacts, Rows, Setting, UserError

DIM = 5


def adversary(people: int | None = 4, data: Any = None, reversal: float = 1.0) -> IdentityAdversary:
    torch.manual_seed(0)
    context: Any = SimpleNamespace(feature_dim=DIM, data=data)
    return IdentityAdversary(IdentityAdversaryOptions(people=people, reversal=reversal), context)


def inputs(identity: list[int], features: Tensor) -> AuxiliaryInputs:
    number = torch.arange(len(identity))
    rows = Rows(number, number, torch.tensor(identity), number.double())
    return AuxiliaryInputs(features, None, rows, 0)


def test_the_backbone_gets_the_negative_gradient() -> None:
    loss = adversary(reversal=0.5)
    features = torch.randn(4, DIM, requires_grad=True)
    loss.loss(inputs([30, 10, 30, 20], features)).loss.backward()
    same = features.detach().clone().requires_grad_()
    classes = torch.tensor([2, 0, 2, 1])
    weight, bias = (parameter.detach().clone().requires_grad_() for parameter in loss.classifier.parameters())
    F.cross_entropy(F.linear(same, weight, bias), classes).backward()
    assert features.grad is not None
    assert same.grad is not None
    torch.testing.assert_close(features.grad, -0.5 * same.grad)
    torch.testing.assert_close(loss.classifier.weight.grad, weight.grad)


def test_people_keep_their_class() -> None:
    loss = adversary()
    features = torch.randn(2, DIM)
    loss.loss(inputs([30, 10], features))
    loss.loss(inputs([5, 10], features))
    assert loss.people.tolist() == [10, 30, 5, -1]
    resumed = adversary()
    resumed.load_state_dict(loss.state_dict())
    resumed.loss(inputs([7, 30], features))
    assert resumed.people.tolist() == [10, 30, 5, 7]


def test_more_people_than_classes_is_an_error() -> None:
    loss = adversary(people=2)
    with pytest.raises(UserError, match="more than 2 people"):
        loss.loss(inputs([1, 2, 3], torch.randn(3, DIM)))


def test_the_number_of_people_comes_from_the_data() -> None:
    facts = DataFacts(clips=9, identities=3, frames=90, fps=25, size=8, shortest=10, longest=10)
    assert adversary(None, facts).classifier.out_features == 3
    with pytest.raises(UserError, match="people"):
        adversary(None, None)


def test_the_classifier_learns_and_the_features_undo_it() -> None:
    torch.manual_seed(0)
    people = torch.tensor([0, 1]).repeat(16)
    images = torch.randn(32, DIM) + 3 * F.one_hot(people, DIM)
    network, loss = torch.nn.Linear(DIM, DIM), adversary(people=2)

    def train(module: torch.nn.Module) -> float:
        """Trains one of the two; the classifier's accuracy afterwards."""
        optimiser = torch.optim.SGD(module.parameters(), lr=0.3)
        for _ in range(60):
            optimiser.zero_grad()
            loss.loss(inputs(people.tolist(), network(images))).loss.backward()
            optimiser.step()
        return loss.loss(inputs(people.tolist(), network(images))).terms["accuracy"].item()

    assert train(loss) > 0.9
    assert train(network) < 0.5


@pytest.mark.parametrize(("people", "identities", "count"), [(None, 1, 1), (None, 2, 0), (4, 1, 0)])
def test_data_of_one_person_is_a_problem(people: int | None, identities: int, count: int) -> None:
    facts = DataFacts(clips=9, identities=identities, frames=90, fps=25, size=8, shortest=10, longest=10)
    setting = Setting(facts, instances=8, draws=8, hard_negatives=0)
    assert len(list(IdentityAdversaryOptions(people=people).problems(setting))) == count
