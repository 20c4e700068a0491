"""Every rule for methods catches a plugin that breaks it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.contract import Check, own_words
from helpers.golden import Golden

from ssltoolbox.api import MethodDescriptor, Options
from ssltoolbox.testing.methods import RULES

KIND = "methods"
MORE = "negatives='batch', weights=True"
CLASS = """
from ssltoolbox.losses import NTXentLoss, candidates_in_batch

class Mirror(nn.Module):
    def __init__(self, options, context):
        super().__init__()
        self.backbone = context.backbone
        self.head = nn.Linear(context.feature_dim, 4)
        self.context = context
        self.register_buffer("seen", torch.zeros(()))
        self.loss = NTXentLoss(0.5, gather_distributed=context.distributed)

    def before_step(self, step):
        self.step_number = step

    def step(self, inputs):
        rows = inputs.rows
        side_a, side_b = (self.head(self.backbone(view)) for view in inputs.views)
        candidates = candidates_in_batch(rows, self.context)
        maskers = self.context.maskers
        loss, terms = self.loss.compare(side_a, side_b, rows, candidates, maskers, step=inputs.step)
        loss = loss * (1 + self.seen)
        self.seen += 0.1
        return api.StepOutput(loss, {"distance": loss.detach()}, side_a.detach(), side_b.detach())

    def pictures(self, inputs):
        return api.Pictures({"image": inputs.view_a, "mirrored": inputs.view_a.flip(-1)})
"""
BAD = {
    "it trains the given backbone": (
        "self.backbone = context.backbone",
        "import copy; self.backbone = copy.deepcopy(context.backbone)",
    ),
    "the loss is one number": ("loss * (1 + self.seen)", "loss.expand(8)"),
    "gradients reach the trained parameters": (
        "self.head(self.backbone(view))",
        "self.head(self.backbone(view).detach())",
    ),
    "it calls the backbone as a whole": ("self.backbone(view)", "self.backbone.forward(view)"),
    "all trained tensors are optimised": (
        "self.context = context",
        "self.context, self.heads = context, [self.head]; del self.head",
    ),
    "reported values are detached": ('{"distance": loss.detach()}', '{"distance": loss}'),
    "views and rows are not changed": ("side_a, side_b =", "inputs.view_a.neg_(); side_a, side_b ="),
    "the saved state is complete": (
        'self.register_buffer("seen", torch.zeros(()))',
        "self.seen = torch.zeros(())",
    ),
    "pictures are images": ('{"image": inputs.view_a, ', '{"image": inputs.view_a / 0, '),
    "it uses the maskers": ("maskers = self.context.maskers", "maskers = ()"),
    "it uses the hard negatives": (
        "self.loss.compare(side_a, side_b, rows, candidates, maskers, step=inputs.step)",
        "self.loss(side_a, side_b, rows.draw[:, None] == rows.draw), {}",
    ),
    "it uses the weights of hard negatives": (
        "rows, candidates, maskers, step",
        "replace(rows, weight=None), candidates, maskers, step",
    ),
    "two processes give the result of one": (
        "gather_distributed=context.distributed",
        "gather_distributed=False",
    ),
}


def test_a_good_one_breaks_none(broken: Check) -> None:
    assert broken(KIND, CLASS, MORE) == {}


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    card = MethodDescriptor(
        name="m", summary="s", target="m:M", api=1, negatives="batch", weights=True, options=Options
    )
    assert set(BAD) == {rule.title for rule in RULES if rule.applies(SimpleNamespace(card=card))}


@pytest.mark.parametrize("rule", BAD)
def test_a_broken_rule_of_methods_is_reported(broken: Check, rule: str, golden: Golden) -> None:
    old, new = BAD[rule]
    assert old in CLASS
    body = CLASS.replace(old, new)
    if rule == "all trained tensors are optimised":
        body = body.replace("self.head(self", "self.heads[0](self")
    golden(own_words(broken(KIND, body, MORE)[rule]))


@pytest.mark.parametrize(
    "answer",
    [
        '{"image": inputs.view_a}',
        'api.Pictures({"image": inputs.view_a[0]})',
        'self.seen.add_(1) and api.Pictures({"image": inputs.view_a})',
    ],
    ids=["no pictures", "one image", "the method changes"],
)
def test_pictures_that_are_none(broken: Check, answer: str, golden: Golden) -> None:
    old = 'api.Pictures({"image": inputs.view_a, "mirrored": inputs.view_a.flip(-1)})'
    assert old in CLASS
    golden(broken(KIND, CLASS.replace(old, answer), MORE)["pictures are images"])


def test_a_momentum_network_has_no_gradient(broken: Check) -> None:
    old = "self.context = context"
    found = broken(KIND, CLASS.replace(old, f"{old}; self.target = nn.Linear(4, 4)"), MORE)
    ((rule, text),) = found.items()
    assert rule == "gradients reach the trained parameters"
    assert "'target.weight'" in text
    assert "`requires_grad_(False)`" in text


def test_without_negatives_nobody_is_asked(broken: Check) -> None:
    body = CLASS.replace("maskers = self.context.maskers", "maskers = ()")
    assert broken(KIND, body, "negatives=None") == {}


NESTED_BACKWARD = """
import torch
from ssltoolbox.testing import check_plugin

class Nested(torch.autograd.Function):
    @staticmethod
    def forward(ctx, value, depth):
        ctx.depth = depth
        return value.clone()

    @staticmethod
    def backward(ctx, gradient):
        if ctx.depth:
            with torch.enable_grad():
                Nested.apply(torch.ones(1, requires_grad=True), ctx.depth - 1).sum().backward()
        return gradient, None

if __name__ == "__main__":
    Nested.apply(torch.ones(1, requires_grad=True), 70).sum().backward()
    check_plugin("simclr")
"""


@pytest.mark.slow
def test_two_processes_are_tried_though_autograd_of_this_one_has_threads(tmp_path: Path) -> None:
    script = tmp_path / "nested.py"
    script.write_text(NESTED_BACKWARD)
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
