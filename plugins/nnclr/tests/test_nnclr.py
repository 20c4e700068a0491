"""NNCLR equals a plain loop with lightly, and applies maskers in both directions."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from lightly.loss import NTXentLoss
from lightly.models.modules import NNMemoryBankModule
from ssltoolbox_nnclr import NNCLROptions
from ssltoolbox_nnclr.method import NNCLR
from torch import Tensor, nn

from ssltoolbox.api import Attraction, Masking, MethodContext, Rows, Setting, StepInputs

DRAWS, DIM, SUPPORT, TEMPERATURE = 6, 8, 24, 0.1
OPTIONS = NNCLROptions(support=SUPPORT, hidden_dim=16, prediction_dim=16, output_dim=DIM)
VIEWS = torch.randn(20, 2, DRAWS, 3, 12, 12, generator=torch.Generator().manual_seed(7)).unbind()


class Marks:
    """Maskers with the mask of a test, by the clip numbers of the rows; without a mask, no maskers."""

    needs_similarity = False
    needs_embeddings = False

    def __init__(self, masked: Tensor | None = None, attract: float = 0.0) -> None:
        self.masked = masked
        self.attract = attract

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
        masked = self.masked[anchors.clip][:, candidates.clip]
        return Masking(masked, {"marks": Attraction(self.attract, masked)})


def build(masked: Tensor | None = None, attract: float = 0.0) -> NNCLR:
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    context = MethodContext(
        backbone=backbone,
        feature_dim=8,
        descriptor_dim=0,
        maskers=Marks(masked, attract),
        instances=DRAWS,
        steps=20,
        distributed=False,
    )
    return NNCLR(OPTIONS, context)


def rows() -> Rows:
    """Rows whose clip numbers are their positions."""
    draw, number = torch.arange(DRAWS).repeat(2), torch.arange(2 * DRAWS)
    return Rows(draw, number, draw, draw.double())


def trained(step_loss: Callable[[Tensor, Tensor], Tensor], modules: list[nn.Module]) -> list[float]:
    """The losses of twenty steps."""
    optimiser = torch.optim.SGD([p for module in modules for p in module.parameters()], lr=0.05, momentum=0.9)
    losses = []
    for views in VIEWS:
        loss = step_loss(*views)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


def test_twenty_steps_equal_a_plain_lightly_loop() -> None:
    method = build()
    backbone, head, prediction = map(copy.deepcopy, (method.backbone, method.projection, method.prediction))
    support = NNMemoryBankModule((SUPPORT, DIM))
    support.bank.copy_(method.support.bank)
    support.bank_ptr.copy_(method.support.bank_ptr)
    criterion = NTXentLoss(TEMPERATURE)

    def plain(view_a: Tensor, view_b: Tensor) -> Tensor:
        (z_a, z_b) = (head(backbone(view)) for view in (view_a, view_b))
        p_a, p_b = prediction(z_a), prediction(z_b)
        z_a, z_b = support(z_a.detach(), update=False), support(z_b.detach(), update=True)
        return 0.5 * (criterion(z_a, p_b) + criterion(z_b, p_a))

    ours = trained(lambda *views: method.step(StepInputs(*views, rows())).loss, [method])
    theirs = trained(plain, [backbone, head, prediction])
    torch.testing.assert_close(torch.tensor(ours), torch.tensor(theirs), rtol=1e-5, atol=1e-6)
    assert ours[-1] != ours[0]


def test_masked_rows_are_removed_from_both_denominators() -> None:
    """Compares with the formula, row by row: neighbours of one side with predictions of the other."""
    masked = torch.zeros(2 * DRAWS, 2 * DRAWS, dtype=torch.bool)
    masked[0, 3] = masked[0, DRAWS + 4] = masked[DRAWS + 2, 5] = True
    method = build(masked).eval()
    view_a, view_b = VIEWS[0]
    with torch.no_grad():
        z = [method.projection(method.backbone(view)) for view in (view_a, view_b)]
        p = [method.prediction(side) for side in z]
        friends = [method.support(side) for side in z]
        found = method.step(StepInputs(view_a, view_b, rows())).loss
    losses = []
    for side, other in ((0, 1), (1, 0)):
        everyone = F.normalize(torch.cat([friends[side], p[other]]))
        # The frames of these rows: those of `side`, then those of `other`.
        frames = torch.cat([torch.arange(DRAWS) + side * DRAWS, torch.arange(DRAWS) + other * DRAWS])
        for i in range(2 * DRAWS):
            positive = (i + DRAWS) % (2 * DRAWS)
            kept = [
                j for j in range(2 * DRAWS) if j != i and (j == positive or not masked[frames[i], frames[j]])
            ]
            logits = everyone[kept] @ everyone[i] / TEMPERATURE
            losses.append(F.cross_entropy(logits[None], torch.tensor([kept.index(positive)])))
    torch.testing.assert_close(found, torch.stack(losses).mean())


def test_an_attraction_is_added_with_its_weight() -> None:
    masked = torch.zeros(2 * DRAWS, 2 * DRAWS, dtype=torch.bool)
    masked[1, 4] = True
    outputs = [build(masked, attract).step(StepInputs(*VIEWS[0], rows())) for attract in (0.0, 0.5)]
    cancel, both = outputs
    attraction = both.terms["attract_loss"]
    assert attraction > 0
    torch.testing.assert_close(both.loss, cancel.loss + 0.5 * attraction)


def test_the_support_set_is_saved_and_follows_side_b() -> None:
    method = build()
    method.step(StepInputs(*VIEWS[0], rows()))
    expected = method.projection(method.backbone(VIEWS[0][1])).detach()
    assert set(method.state_dict()) >= {"support.bank", "support.bank_ptr"}
    assert int(method.support.bank_ptr) == DRAWS
    torch.testing.assert_close(method.support.bank[:DRAWS], expected)


def test_without_a_gradient_nothing_enters_the_support_set() -> None:
    method = build()
    with torch.no_grad():
        method.step(StepInputs(*VIEWS[0], rows()))
    assert int(method.support.bank_ptr) == 0


@pytest.mark.parametrize(("instances", "advice"), [(8, []), (7, ["write support: 21"])])
def test_the_support_set_is_divisible_by_instances(instances: int, advice: list[str]) -> None:
    problems = OPTIONS.problems(Setting(None, instances=instances, draws=instances, hard_negatives=0))
    assert [problem.hint for problem in problems] == advice
