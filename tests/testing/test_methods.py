"""Every rule for methods catches a plugin that breaks it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ssltoolbox.api import MethodDescriptor, Options
from ssltoolbox.testing.methods import RULES

KIND = "methods"
MORE = "negatives='batch', weights=True"
CLASS = """
class Mirror(nn.Module):
    def __init__(self, options, context):
        super().__init__()
        self.backbone = context.backbone
        self.head = nn.Linear(context.feature_dim, 4)
        self.maskers = context.maskers
        self.register_buffer("centre", torch.zeros(4))

    def before_step(self, step):
        self.step_number = step

    def step(self, view_a, view_b, rows):
        side_a, side_b = (self.head(self.backbone(view)) for view in (view_a, view_b))
        if self.maskers:
            self.maskers.mask(rows, rows)
        loss = (side_a - side_b - self.centre).square().mean()
        if rows.weight is not None:
            loss = loss * rows.weight.mean()
        self.centre += side_a.detach().mean(dim=0)
        return api.StepOutput(loss, {"distance": loss.detach()}, side_a.detach(), side_b.detach())
"""
BAD = {
    "trains the backbone it is given": (
        ("self.backbone = context.backbone", "import copy; self.backbone = copy.deepcopy(context.backbone)"),
        "`Mirror.backbone` must be `context.backbone` itself, not a copy: it is what a run saves",
    ),
    "a loss that is one number": (
        (".square().mean()", ".square().mean(dim=1)"),
        "`Mirror.step` must give one finite loss, [], it gave float32 [8]: average over the rows",
    ),
    "gradients reach all that is trained": (
        ("self.head(self.backbone(view))", "self.head(self.backbone(view).detach())"),
        "no gradient of `Mirror.step` reaches the backbone: where was it detached?",
    ),
    "what is reported is detached": (
        ('{"distance": loss.detach()}', '{"distance": loss}'),
        "`Mirror.step` reports 'distance' with its gradient: add `.detach()`, or memory grows",
    ),
    "views and rows are left as they are": (
        ("side_a, side_b =", "view_a.neg_(); side_a, side_b ="),
        "`Mirror.step` changed a view: work on a copy",
    ),
    "a saved state is the whole state": (
        ('self.register_buffer("centre", torch.zeros(4))', "self.centre = torch.zeros(4)"),
        "put what changes between steps into buffers by `register_buffer(…, persistent=True)`, and let what "
        "depends on the time follow from `before_step(step)`",
    ),
    "maskers are asked": (
        ("self.maskers.mask(rows, rows)", "pass"),
        "`Mirror` says that it has negatives and never asks `context.maskers`: leave out what "
        "`maskers.mask(rows, candidates)` marks, or declare `negatives=None`, so that a recipe with a masker is "
        "refused",
    ),
    "hard negatives are weighed": (
        ("loss * rows.weight.mean()", "loss * 1"),
        "multiply what `ssltoolbox.losses.weights_within_draws(rows, candidates)` gives into the loss's sum, or "
        "leave out `weights=True`, so that a recipe with a weight is refused",
    ),
}


def test_a_good_one_breaks_none(broken) -> None:
    assert broken(KIND, CLASS, MORE) == {}


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    card = MethodDescriptor(
        name="m", summary="s", target="m:M", api=1, negatives="batch", weights=True, options=Options
    )
    assert set(BAD) == {rule.title for rule in RULES if rule.applies(SimpleNamespace(card=card))}


@pytest.mark.parametrize("rule", BAD)
def test_what_breaks_a_rule_is_told(broken, rule: str) -> None:
    (old, new), advice = BAD[rule]
    assert old in CLASS
    assert broken(KIND, CLASS.replace(old, new), MORE).get(rule, "").endswith(advice)


def test_a_momentum_network_has_no_gradient(broken) -> None:
    old = "self.maskers = context.maskers"
    found = broken(KIND, CLASS.replace(old, f"{old}; self.target = nn.Linear(4, 4)"), MORE)
    assert found == {
        "gradients reach all that is trained": "`Mirror` has parameters that no gradient reaches, such as "
        "'target.weight', which stops training on several devices: take them out, or, of a momentum network, set "
        "`requires_grad_(False)`"
    }


def test_without_negatives_nobody_is_asked(broken) -> None:
    body = CLASS.replace("self.maskers.mask(rows, rows)", "raise ValueError")
    assert broken(KIND, body, "negatives=None") == {}
