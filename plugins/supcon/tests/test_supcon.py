"""SupCon is the paper's loss, row by row; without classes it is SimCLR's."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from ssltoolbox_supcon import SupConOptions
from ssltoolbox_supcon.method import SupCon
from torch import Tensor, nn

from ssltoolbox.api import (
    Attraction,
    DataFacts,
    LabelFacts,
    Masking,
    MethodContext,
    Rows,
    Setting,
    StepInputs,
)

INSTANCES, TEMPERATURE = 6, 0.1
OPTIONS = SupConOptions(hidden_dim=16, output_dim=8)
VIEWS = torch.randn(2, INSTANCES, 3, 12, 12, generator=torch.Generator().manual_seed(7))


class Marks:
    """Maskers that mask the given pairs, and attract them with the weight 1."""

    needs_similarity = False
    needs_embeddings = False

    def __init__(self, masked: Tensor | None = None) -> None:
        self.masked = masked

    def __bool__(self) -> bool:
        return self.masked is not None

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
        assert self.masked is not None
        return Masking(self.masked, {"marks": Attraction(1.0, self.masked)})


def build(masked: Tensor | None = None) -> SupCon:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    context = MethodContext(
        backbone=backbone,
        feature_dim=8,
        descriptor_dim=0,
        maskers=Marks(masked),
        instances=INSTANCES,
        steps=20,
        distributed=False,
    )
    return SupCon(OPTIONS, context)


def rows(classes: list[int]) -> Rows:
    draw = torch.arange(INSTANCES).repeat(2)
    plain = Rows(draw, draw, draw, draw.double())
    return replace(plain, labels={"expression": torch.tensor(classes).repeat(2)})


def by_hand(method: SupCon, classes: list[int]) -> Tensor:
    """Equation 2 of the paper; a row of class -1 has its pair alone."""
    z = torch.cat([F.normalize(method.projection(method.backbone(view)), dim=1) for view in VIEWS])
    known = classes * 2
    losses = []
    for i in range(2 * INSTANCES):
        others = [k for k in range(2 * INSTANCES) if k != i]
        pair = (i + INSTANCES) % (2 * INSTANCES)
        positives = [k for k in others if k == pair or (known[k] == known[i] >= 0)]
        log_sum = (z[others] @ z[i] / TEMPERATURE).logsumexp(dim=0)
        losses.append(torch.stack([log_sum - z[p] @ z[i] / TEMPERATURE for p in positives]).mean())
    return torch.stack(losses).mean()


@pytest.mark.parametrize("classes", [[0, 1, 0, 2, 1, 0], [0, -1, 0, -1, 1, 1], [-1] * 6, [3] * 6])
def test_the_loss_is_that_of_the_paper(classes: list[int]) -> None:
    method = build()
    loss = method.step(StepInputs(*VIEWS, rows(classes))).loss
    torch.testing.assert_close(loss, by_hand(method, classes))


def test_twenty_steps_are_those_of_a_plain_loop() -> None:
    classes = [0, 1, 0, -1, 1, 0]
    ours, theirs = build(), build()
    losses: list[list[float]] = [[], []]
    for method, found in zip((ours, theirs), losses, strict=True):
        optimiser = torch.optim.SGD(method.parameters(), lr=0.01, momentum=0.9)
        for _ in range(20):
            plain = method is theirs
            loss = by_hand(method, classes) if plain else method.step(StepInputs(*VIEWS, rows(classes))).loss
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            found.append(loss.item())
    torch.testing.assert_close(*map(torch.tensor, losses), rtol=1e-4, atol=1e-5)
    assert losses[0][-1] < losses[0][0]


def test_a_masker_reaches_other_classes_only() -> None:
    """A masked row of the same class stays a positive; one of another class leaves the sum and attracts."""
    classes = [0, 1, 0, 1, 2, 2]
    same, other = torch.zeros(2, 12, 12, dtype=torch.bool)
    same[0, 2] = other[0, 1] = True
    plain, with_same, with_both = (
        build(masked).step(StepInputs(*VIEWS, rows(classes))) for masked in (None, same, same | other)
    )
    torch.testing.assert_close(with_same.loss, plain.loss)
    assert with_same.terms["attract_loss"] == 0
    assert with_both.terms["cancel_loss"] < plain.loss
    assert with_both.terms["attract_loss"] > 0


def test_a_label_without_classes_is_a_problem() -> None:
    facts = {"valence": LabelFacts(10, lowest=-1.0, highest=1.0), "expression": LabelFacts(10, counts=(5, 5))}
    data = DataFacts(2, 2, 20, 5.0, 48, 10, 10, labels=frozenset(facts), label_facts=facts)
    setting = Setting(data, instances=8, draws=8, hard_negatives=0)
    assert list(OPTIONS.problems(setting)) == []
    (problem,) = SupConOptions(label="valence").problems(setting)
    assert problem.option == "label"
