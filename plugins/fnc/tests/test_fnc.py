"""False negatives are found by both views, removed or attracted; the losses are the published ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from helpers.methods import side_at
from ssltoolbox_fnc import FNCAttractionOptions, FNCOptions
from ssltoolbox_fnc.attraction import FNCAttraction
from ssltoolbox_fnc.masker import FNC
from torch import Tensor

from ssltoolbox.api import AuxiliaryInputs, Comparison, LossTerms, Rows, Setting, SslToolboxError

TEMPERATURE, NO_THRESHOLD = 0.5, -1.0
ATTRACTED = 2.4489180530418797
"""The published loss of these sides, one false negative for each row, the sum of both sides."""
PLAIN = 1.9459106233492656
"""NT-Xent, the sum of both sides."""
FOUND = torch.zeros(8, 8, dtype=torch.bool)
for side in (0, 4):
    for row, column in enumerate((1, 2, 5, 6)):
        FOUND[side + row, column] = True


BOTH = torch.cat([side_at(0.0), side_at(0.35)])
NUMBER = torch.arange(4).repeat(2)
ROWS = Rows(NUMBER, NUMBER, NUMBER, NUMBER.double())
OTHER = NUMBER[:, None] != NUMBER
IN_BATCH = Comparison(ROWS, ROWS, OTHER, OTHER, BOTH @ BOTH.T)


def masked(masker: FNC, comparison: Comparison = IN_BATCH) -> Tensor:
    found = masker.answer(comparison).masked
    assert found is not None
    return found


def attraction(
    options: FNCAttractionOptions,
    embeddings: Tensor | None = BOTH,
    step: int = 0,
    temperature: float | None = TEMPERATURE,
) -> LossTerms:
    inputs = AuxiliaryInputs(BOTH, embeddings, ROWS, step, temperature=temperature)
    loss = FNCAttraction(options, context=None).loss(inputs)
    assert isinstance(loss, LossTerms)
    return loss


def nt_xent() -> Tensor:
    logits = (BOTH @ BOTH.T / TEMPERATURE).fill_diagonal_(-torch.inf)
    return F.cross_entropy(logits, torch.arange(8).roll(4))


def test_both_views_find_the_most_similar_candidate() -> None:
    assert torch.equal(masked(FNC(FNCOptions(threshold=NO_THRESHOLD))), FOUND)


def test_a_candidate_below_the_threshold_is_a_negative() -> None:
    best = (BOTH @ BOTH.T)[FOUND].max().item()
    assert not masked(FNC(FNCOptions(threshold=best))).any()


def test_top_k_bounds_what_is_found() -> None:
    found = masked(FNC(FNCOptions(top_k=3, threshold=NO_THRESHOLD)))
    assert found.sum(dim=1).tolist() == [3] * 8
    everything = masked(FNC(FNCOptions(top_k=99, threshold=NO_THRESHOLD)))
    assert torch.equal(everything, OTHER)


def test_a_queue_is_compared_with_the_query_alone() -> None:
    queue = Rows(*[torch.arange(10, 15)] * 3, torch.zeros(5).double())
    everything = torch.ones(4, 5, dtype=torch.bool)
    similarity = torch.eye(4, 5)
    comparison = Comparison(ROWS[:4], queue, everything, everything, similarity)
    assert torch.equal(masked(FNC(FNCOptions()), comparison), similarity.bool())


def test_the_warm_up_is_counted_in_optimiser_steps() -> None:
    masker = FNC(FNCOptions(threshold=NO_THRESHOLD, warmup_steps=2))
    assert masker.needs_step
    assert not masked(masker, replace(IN_BATCH, step=1)).any()
    assert torch.equal(masked(masker, replace(IN_BATCH, step=2)), FOUND)


def test_the_attraction_gives_the_published_loss() -> None:
    options = FNCAttractionOptions(threshold=NO_THRESHOLD)
    torch.testing.assert_close(2 * nt_xent().item(), PLAIN)
    torch.testing.assert_close(2 * (nt_xent() + attraction(options).loss).item(), ATTRACTED)


def test_without_false_negatives_the_attraction_is_zero() -> None:
    found = attraction(FNCAttractionOptions(threshold=0.9999))
    assert found.loss == found.terms["found_share"] == 0
    options = FNCAttractionOptions(threshold=NO_THRESHOLD, warmup_steps=3)
    assert attraction(options, step=2).loss == 0
    assert attraction(options, step=3).loss != 0


def test_an_attraction_needs_embeddings_of_both_sides() -> None:
    with pytest.raises(SslToolboxError, match="both sides"):
        attraction(FNCAttractionOptions(), BOTH[:4])


def test_an_attraction_needs_both_sides() -> None:
    """The rows of side A with a hard negative each have equal draws in both halves, and are no pairs."""
    loss = FNCAttraction(FNCAttractionOptions(), context=None)
    with pytest.raises(SslToolboxError, match="both sides"):
        loss.loss(AuxiliaryInputs(BOTH, None, ROWS, 0, two_sides=False, temperature=TEMPERATURE))


def test_the_temperature_is_an_option_or_the_methods() -> None:
    own = FNCAttractionOptions(threshold=NO_THRESHOLD, temperature=2 * TEMPERATURE)
    of_the_method = attraction(FNCAttractionOptions(threshold=NO_THRESHOLD)).loss
    torch.testing.assert_close(attraction(own).loss, of_the_method / 2)
    with pytest.raises(SslToolboxError, match="temperature"):
        attraction(FNCAttractionOptions(), temperature=None)


def test_a_query_with_its_own_hard_negative_votes_alone() -> None:
    """Queries against keys of the batch: each has one column of its own, and the halves have equal draws."""
    own = torch.eye(8, dtype=torch.bool)
    similarity = torch.zeros(8, 8)
    similarity[0, 2] = 0.9
    found = masked(FNC(FNCOptions()), Comparison(ROWS, ROWS, ~own, OTHER, similarity))
    assert found.nonzero().tolist() == [[0, 2]]


def test_features_take_the_place_of_missing_embeddings() -> None:
    options = FNCAttractionOptions(threshold=NO_THRESHOLD)
    assert attraction(options, None).loss == attraction(options).loss != 0


@pytest.mark.parametrize(("steps", "count"), [(0, 0), (5, 1), (6, 0)])
def test_a_warm_up_longer_than_the_run_is_a_warning(steps: int, count: int) -> None:
    setting = Setting(None, instances=8, draws=8, hard_negatives=0, steps=steps, temperature=0.1)
    for options in (FNCOptions, FNCAttractionOptions):
        problems = options(warmup_steps=5).problems(setting)
        assert [problem.warning for problem in problems] == [True] * count


@pytest.mark.parametrize(("own", "methods", "count"), [(None, None, 1), (0.1, None, 0), (None, 0.1, 0)])
def test_no_temperature_is_a_problem(own: float | None, methods: float | None, count: int) -> None:
    setting = Setting(None, instances=8, draws=8, hard_negatives=0, temperature=methods)
    assert len(list(FNCAttractionOptions(temperature=own).problems(setting))) == count
