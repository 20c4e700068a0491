"""Weights give the published losses; see the formulas in `ssltoolbox_reweight.masker`."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import pytest
import torch
from helpers.methods import side_at
from ssltoolbox_reweight import ReweightOptions
from ssltoolbox_reweight.masker import Reweight
from torch import Tensor

from ssltoolbox.api import Comparison, Rows, Setting, SslToolboxError

PLAIN = 0.9729553116746328
"""NT-Xent of these sides at temperature 0.5."""


def comparison(both: Tensor, clip: Tensor | None = None) -> Comparison:
    """Of both sides of a batch, [2N, D]."""
    rows = len(both)
    number = torch.arange(rows) % (rows // 2)
    everything = Rows(number, number if clip is None else clip, number, number.double())
    other = number[:, None] != number
    return Comparison(everything, everything, other, other, both @ both.T, temperature=0.1)


def loss(options: ReweightOptions, both: Tensor) -> Tensor:
    """−log( e^{s⁺/τ} / (e^{s⁺/τ} + Σ n e^{s/τ}) ), the mean over rows."""
    compared = comparison(both)
    weights = Reweight(options).answer(compared).weights
    assert weights is not None
    exponentials = (both @ both.T / options.temperature).exp()
    positive = exponentials.roll(len(both) // 2, dims=1).diagonal()
    return (1 + (weights * exponentials * compared.negative).sum(dim=1) / positive).log().mean()


BOTH = torch.cat([side_at(0.0), side_at(0.35)])


@pytest.mark.parametrize(
    ("beta", "tau_plus", "temperature", "expected"),
    [
        (0.0, 0.0, 0.5, PLAIN),
        (0.5, 0.0, 0.5, 1.1849287695814534),
        (1.0, 0.1, 0.5, 1.2239994820659705),
        (0.0, 0.1, 0.5, 0.758674971542264),
        (1.0, 0.1, 0.1, 0.43628570301400005),
        (1.0, 0.01, 0.1, 0.6250468969),
    ],
)
def test_losses_equal_the_reference_numbers(
    beta: float, tau_plus: float, temperature: float, expected: float
) -> None:
    options = ReweightOptions(beta=beta, tau_plus=tau_plus, temperature=temperature)
    torch.testing.assert_close(loss(options, BOTH).item(), expected, rtol=1e-9, atol=0)


def test_the_gradient_goes_through_the_weights() -> None:
    """A finite difference sees the weights change."""
    options = ReweightOptions(beta=0.5, temperature=0.5)
    both = BOTH.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda rows: loss(options, rows), both)


def test_without_beta_and_tau_plus_all_count_as_one() -> None:
    weights = Reweight(ReweightOptions(beta=0.0)).answer(comparison(BOTH)).weights
    torch.testing.assert_close(weights, torch.ones(8, 8, dtype=torch.float64))


def test_the_weights_of_a_row_have_a_mean_of_one() -> None:
    compared = comparison(BOTH)
    weights = Reweight(ReweightOptions(beta=2.0)).answer(compared).weights
    assert weights is not None
    means = (weights * compared.negative).sum(dim=1) / compared.negative.sum(dim=1)
    torch.testing.assert_close(means, torch.ones(8, dtype=torch.float64))
    assert weights[compared.negative].std() > 0.1


def test_same_clip_leaves_other_clips_alone() -> None:
    clip = torch.tensor([0, 0, 0, 1]).repeat(2)
    compared = comparison(BOTH, clip)
    weights = Reweight(ReweightOptions(beta=2.0, same_clip=True)).answer(compared).weights
    assert weights is not None
    same = clip[:, None] == clip
    assert (weights[~same] == 1).all()
    assert (weights[same & compared.negative] != 1).all()


def test_clamped_rows_are_counted_and_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    masker = Reweight(ReweightOptions(tau_plus=0.5, temperature=0.1))
    with caplog.at_level(logging.WARNING):
        shares = [masker.answer(comparison(BOTH)).terms["clamped_share"] for _ in range(2)]
    assert shares == [1.0, 1.0]
    assert len(caplog.records) == 1
    assert "100%" in caplog.records[0].getMessage()


def test_queries_against_keys_have_one_column_of_their_own() -> None:
    """As in MoCo-v3: the correction is that of the same row among both sides with the same negatives."""
    own = torch.eye(4, dtype=torch.bool)
    number = torch.arange(4)
    rows = Rows(number, number, number, number.double())
    similarity = BOTH[:4] @ BOTH[4:].T
    options = ReweightOptions(tau_plus=0.1, temperature=0.5)
    weights = Reweight(options).answer(Comparison(rows, rows, ~own, ~own, similarity)).weights
    assert weights is not None
    exponentials = (similarity / 0.5).exp()
    plain = (
        Reweight(ReweightOptions(temperature=0.5))
        .answer(Comparison(rows, rows, ~own, ~own, similarity))
        .weights
    )
    assert plain is not None
    expected = ((plain * exponentials * ~own).sum(dim=1) - 0.1 * 3 * exponentials.diagonal()) / 0.9
    found = (weights * exponentials * ~own).sum(dim=1)
    torch.testing.assert_close(found, torch.maximum(expected, torch.full_like(expected, 3 * math.exp(-2))))


@pytest.mark.parametrize("temperature", [0.001, 0.01])
def test_low_temperatures_stay_finite(temperature: float) -> None:
    both = BOTH.float().requires_grad_()
    weights = (
        Reweight(ReweightOptions(tau_plus=0.1, temperature=temperature)).answer(comparison(both)).weights
    )
    assert weights is not None
    weights.sum().backward()
    assert both.grad is not None
    assert both.grad.isfinite().all()


def test_tau_plus_is_refused_for_a_queue() -> None:
    everything = torch.ones(4, 5, dtype=torch.bool)
    number = torch.arange(5)
    rows = Rows(number, number, number, number.double())
    queue = Comparison(rows[:4], rows, everything, everything, torch.zeros(4, 5))
    with pytest.raises(SslToolboxError, match="tau_plus"):
        Reweight(ReweightOptions(tau_plus=0.1, temperature=0.5)).answer(queue)
    assert Reweight(ReweightOptions(temperature=0.5)).answer(queue).weights is not None


def test_the_temperature_is_an_option_or_the_methods() -> None:
    compared = comparison(BOTH)
    of_the_method = Reweight(ReweightOptions()).answer(compared).weights
    torch.testing.assert_close(
        of_the_method, Reweight(ReweightOptions(temperature=0.1)).answer(compared).weights
    )
    with pytest.raises(SslToolboxError, match="temperature"):
        Reweight(ReweightOptions()).answer(replace(compared, temperature=None))


@pytest.mark.parametrize(
    ("options", "methods", "warnings"),
    [
        ({}, 0.5, []),
        ({}, None, [False]),
        ({}, 0.1, [True]),
        ({"beta": 0.2}, 0.1, []),
        ({"beta": 0.2, "tau_plus": 0.1}, 0.1, [True]),
        ({"tau_plus": 0.1}, 0.5, []),
        ({"tau_plus": 0.1, "temperature": 0.5}, 0.1, []),
    ],
)
def test_problems_of_the_temperature(
    options: dict[str, float], methods: float | None, warnings: list[bool]
) -> None:
    setting = Setting(None, instances=8, draws=8, hard_negatives=0, temperature=methods)
    problems = list(ReweightOptions(**options).problems(setting))
    assert [problem.warning for problem in problems] == warnings
