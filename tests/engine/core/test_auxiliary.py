"""Auxiliary losses: what they see of any method's step, and what they add to its loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers.methods import rows_for, tiny_context
from ssltoolbox_nnclr import NNCLROptions
from ssltoolbox_nnclr.method import NNCLR
from torch import Tensor, nn

from ssltoolbox.api import (
    AuxiliaryInputs,
    AuxiliaryLoss,
    LossTerms,
    Options,
    SslToolboxError,
    StepInputs,
    StepOutput,
)
from ssltoolbox.engine.core.auxiliary import AuxiliaryLosses, Weighted
from ssltoolbox.methods.byol import BYOL
from ssltoolbox.methods.mocov2 import MoCoV2
from ssltoolbox.methods.plugin import BYOLOptions, MoCoV2Options, SimCLROptions, SupervisedOptions
from ssltoolbox.methods.simclr import SimCLR
from ssltoolbox.methods.supervised import Supervised

INSTANCES = 8
VIEWS = torch.randn(2, INSTANCES, 3, 12, 12, generator=torch.Generator().manual_seed(7)).unbind()
METHODS = {
    "simclr": (SimCLR, SimCLROptions(hidden_dim=16, output_dim=8), 2 * INSTANCES),
    "mocov2": (MoCoV2, MoCoV2Options(hidden_dim=16, output_dim=8, queue=16), INSTANCES),
    "byol": (BYOL, BYOLOptions(hidden_dim=16, output_dim=8), 2 * INSTANCES),
    "nnclr": (NNCLR, NNCLROptions(support=16, hidden_dim=16, prediction_dim=16, output_dim=8), 2 * INSTANCES),
    "supervised": (Supervised, SupervisedOptions(), INSTANCES),
}
each_method = pytest.mark.parametrize("name", METHODS)


class Short(AuxiliaryLoss[Options]):
    """Keeps features short."""

    def loss(self, inputs: AuxiliaryInputs) -> Tensor:
        self.seen = inputs
        return inputs.features.square().sum(dim=1).mean()


class Identity(AuxiliaryLoss[Options], nn.Module):
    """Tells people apart from their embeddings, with parameters of its own."""

    def __init__(self, options: Options, context: Any) -> None:
        super().__init__(options, context)
        self.classify = nn.Linear(8, INSTANCES)

    def loss(self, inputs: AuxiliaryInputs) -> LossTerms:
        logits = self.classify(inputs.embeddings)
        right = (logits.argmax(dim=1) == inputs.rows.identity).float().mean()
        return LossTerms(nn.functional.cross_entropy(logits, inputs.rows.identity), {"accuracy": right})


def method_of(name: str) -> Any:
    make, options, _ = METHODS[name]
    torch.manual_seed(0)
    return make(options, tiny_context())


def inputs_of(step: int = 0) -> StepInputs:
    rows = rows_for(INSTANCES)
    rows.labels["expression"] = torch.arange(2 * INSTANCES) % 8
    return StepInputs(*VIEWS, rows, step=step)


def stepped(method: Any, losses: AuxiliaryLosses, step: int = 0) -> StepOutput:
    """A step as the engine takes it."""
    with losses.recorded(method.backbone) as features:
        output = method.step(inputs_of(step))
    return losses.added_to(output, features, inputs_of(step))


@each_method
def test_a_loss_sees_the_step_of_any_method(name: str) -> None:
    method, short = method_of(name), Short(Options(), None)
    losses = AuxiliaryLosses({"short": Weighted(short, 0.5)})
    output = stepped(method, losses, step=3)
    seen, rows = short.seen, METHODS[name][2]
    assert (seen.features.shape, len(seen.embeddings), seen.step) == ((rows, 8), rows, 3)
    assert seen.rows.draw.tolist() == rows_for(INSTANCES).draw.tolist()[:rows]
    assert seen.two_sides == (rows == 2 * INSTANCES)
    method.eval()
    views = torch.cat(VIEWS)[:rows]
    method.zero_grad()
    seen.features.sum().backward(retain_graph=True)
    assert any(p.grad is not None for p in method.backbone.parameters())
    assert method.backbone(views).shape == seen.features.shape
    assert output.loss.requires_grad


@each_method
def test_an_auxiliary_loss_is_added_with_its_weight(name: str) -> None:
    alone = stepped(method_of(name), AuxiliaryLosses())
    short = Short(Options(), None)
    both = stepped(method_of(name), AuxiliaryLosses({"short": Weighted(short, 0.25)}))
    expected = short.seen.features.square().sum(dim=1).mean()
    torch.testing.assert_close(both.terms["short_loss"], expected.detach())
    torch.testing.assert_close(both.loss, alone.loss + 0.25 * expected)
    assert both.terms.keys() == alone.terms.keys() | {"short_loss"}


def test_features_are_those_of_the_rows() -> None:
    method, short = method_of("simclr"), Short(Options(), None)
    method.eval()
    stepped(method, AuxiliaryLosses({"short": Weighted(short, 1.0)}))
    torch.testing.assert_close(short.seen.features, method.backbone(torch.cat(VIEWS)))
    torch.testing.assert_close(short.seen.embeddings, method.projection(method.backbone(torch.cat(VIEWS))))


def test_parameters_of_a_loss_are_known_to_torch_and_get_gradients() -> None:
    losses = AuxiliaryLosses(
        {"who": Weighted(Identity(Options(), None), 1.0), "short": Weighted(Short(Options(), None), 1)}
    )
    method = method_of("simclr")
    output = stepped(method, losses)
    output.loss.backward()
    assert all(p.grad is not None and p.grad.any() for p in losses.parameters())
    assert len(list(losses.parameters())) == 2
    assert 0 <= output.terms["who_accuracy"] <= 1
    restored = AuxiliaryLosses({"who": Weighted(Identity(Options(), None), 1.0)})
    restored.load_state_dict(losses.state_dict())
    assert torch.equal(*(one.losses["who"].loss.classify.weight for one in (losses, restored)))


def test_without_losses_a_step_is_left_as_it_is() -> None:
    method = method_of("simclr")
    with AuxiliaryLosses().recorded(method.backbone) as features:
        assert not method.backbone._forward_hooks
        output = method.step(inputs_of())
    assert AuxiliaryLosses().added_to(output, features, inputs_of()) is output
    assert not AuxiliaryLosses()


def test_the_backbone_keeps_no_hook() -> None:
    method = method_of("simclr")
    stepped(method, AuxiliaryLosses({"short": Weighted(Short(Options(), None), 1.0)}))
    assert not method.backbone._forward_hooks


def test_what_comes_after_both_sides_is_left_out() -> None:
    short = Short(Options(), None)
    losses = AuxiliaryLosses({"short": Weighted(short, 1.0)})
    features = torch.rand(5 * INSTANCES, 8, requires_grad=True)
    output = StepOutput(features.sum())
    losses.added_to(output, [features[:16], features[16:]], inputs_of())
    assert torch.equal(short.seen.features, features[:16])
    assert short.seen.embeddings is None


def test_a_method_may_report_its_features() -> None:
    short = Short(Options(), None)
    losses = AuxiliaryLosses({"short": Weighted(short, 1.0)})
    features = torch.rand(INSTANCES, 5, requires_grad=True)
    losses.added_to(StepOutput(features.sum(), features=features), [], inputs_of())
    assert short.seen.features is features
    assert len(short.seen.rows) == INSTANCES


def test_an_auxiliary_loss_needs_a_method_that_reports_features() -> None:
    losses = AuxiliaryLosses({"short": Weighted(Short(Options(), None), 1.0)})
    with pytest.raises(SslToolboxError, match=r"StepOutput\.features"):
        losses.added_to(StepOutput(torch.zeros(())), [], inputs_of())


@pytest.mark.parametrize(
    ("given", "complaint"),
    [(lambda features: features.detach().sum(), "gradient"), (lambda features: features, "one number")],
)
def test_a_loss_that_can_t_be_added_is_named(given: Callable[[Tensor], Tensor], complaint: str) -> None:
    class Wrong(AuxiliaryLoss[Options]):
        def loss(self, inputs: AuxiliaryInputs) -> Tensor:
            return given(inputs.features)

    with pytest.raises(SslToolboxError, match=f"'wrong'.*{complaint}"):
        stepped(method_of("simclr"), AuxiliaryLosses({"wrong": Weighted(Wrong(Options(), None), 1.0)}))
