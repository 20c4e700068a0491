"""Every rule for landmark detectors and for downstream tasks catches a plugin that breaks it."""

from __future__ import annotations

import pytest
from helpers.contract import Check
from helpers.golden import Golden

from ssltoolbox.api import UserError
from ssltoolbox.testing import evaluators, landmark_detectors

DETECT = "return np.zeros((68, 2), np.float32)"
BAD_DETECTORS = {
    "it returns 68 points in pixels, or None": ("return np.zeros((2, 68))"),
    "images are not changed": (f"image[:3] = 255; {DETECT}"),
    "the same image gives the same points": ("return np.random.rand(68, 2).astype(np.float32)"),
}
EVALUATE = "return {'smile': {'accuracy': 0.5, 'labels': len(features['test'].labels['expression'])}}"
BAD_EVALUATORS = {
    "results are plain numbers by name": "return {'smile': {'accuracy': {0.5}}}",
    "metrics are fractions, not percentages": ("return {'smile': {'accuracy': 87.5}}"),
    "features are not changed": (f"features['val'].values[:] = 0; {EVALUATE}"),
    "the same features give the same results": ("return {'smile': {'accuracy': float(torch.rand(()))}}"),
    "missing labels are named": (EVALUATE),
}
NEEDS = "needs=frozenset({'labels'})"


def detector(broken: Check, body: str) -> dict[str, str]:
    head = "class Mirror:\n    def __init__(self, options): pass\n    def detect(self, image): "
    return broken("landmark_detectors", head + body)


def evaluator(broken: Check, body: str, more: str = "", **given: str) -> dict[str, str]:
    head = "class Mirror:\n    def __init__(self, options): pass\n    def evaluate(self, features): "
    return broken("evaluators", head + body, more, **given)


def test_good_ones_break_none(broken: Check) -> None:
    assert detector(broken, DETECT) == {}
    assert detector(broken, "return None") == {}
    assert evaluator(broken, EVALUATE) == {}


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    assert set(BAD_DETECTORS) == {rule.title for rule in landmark_detectors.RULES}
    assert set(BAD_EVALUATORS) == {rule.title for rule in evaluators.RULES}


@pytest.mark.parametrize("rule", BAD_DETECTORS)
def test_a_broken_rule_of_detectors_is_reported(broken: Check, rule: str, golden: Golden) -> None:
    golden(detector(broken, BAD_DETECTORS[rule])[rule])


@pytest.mark.parametrize("rule", BAD_EVALUATORS)
def test_a_broken_rule_of_evaluators_is_reported(broken: Check, rule: str, golden: Golden) -> None:
    golden(evaluator(broken, BAD_EVALUATORS[rule], NEEDS)[rule])


def test_nan_is_no_plain_number_but_stays_the_same(broken: Check) -> None:
    assert evaluator(broken, "return {'smile': {'score': float('nan')}}").keys() == {
        "results are plain numbers by name"
    }


def test_numbers_and_arrays_of_numpy_are_results(broken: Check) -> None:
    """As in a run. Resamples are not written, so a NaN in them is no mistake."""
    arrays = (
        "{'f1': np.float32(0.5), 'f1_ci': np.array([0.4, 0.6]), 'resamples': {'f1': np.array([0.5, np.nan])}}"
    )
    assert evaluator(broken, f"return {{'smile': {arrays}}}") == {}


def test_results_without_labels_that_are_needed(broken: Check) -> None:
    found = evaluator(broken, "return {'smile': {'accuracy': 0.5}}", NEEDS)
    text = found["missing labels are named"]
    assert "`Mirror.evaluate`" in text
    assert "`UserError`" in text


AU12 = """
    def also_needs(self):
        return frozenset({"label:au12"})
"""


def test_a_label_that_is_needed_by_name_is_made_up(broken: Check) -> None:
    body = "return {'au12': {'accuracy': float(features['test'].labels['au12'].mean())}}"
    assert "'au12'" in (evaluator(broken, body, facts=AU12)["missing labels are named"])
    named = (
        "\n        if 'au12' not in features['test'].labels: raise api.UserError('no label au12')\n        "
    )
    assert evaluator(broken, named + body, facts=AU12) == {}


def test_an_undeclared_label_is_an_error_with_advice(broken: Check) -> None:
    with pytest.raises(UserError) as caught:
        evaluator(broken, "raise api.UserError('there is no label au12')")
    assert "evaluator 'mirror'" in str(caught.value)
    assert "au12" in caught.value.message
    assert "--data" in caught.value.hint
