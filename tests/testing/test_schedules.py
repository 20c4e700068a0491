"""Every rule for schedules catches a plugin that breaks it."""

from __future__ import annotations

import pytest
from helpers.contract import Check, own_words
from helpers.golden import Golden

from ssltoolbox.testing.schedules import RULES

CLASS = """
class Mirror:
    def __init__(self, options, setting):
        self.setting = setting

    def factor(self, step):
        last = self.setting.final_lr_fraction
        return last + (1 - last) * max(0, 1 - step / max(1, self.setting.steps))

"""
ENDS = 'uses=frozenset({"final_lr_fraction"})'
BAD = {
    "the factor is finite and at least 0": (
        "    def factor(self, step): return 1 - step / max(1, self.setting.steps)"
    ),
    "the rate is not always 0": "    def factor(self, step): return 0",
    "the factor depends only on the step": """
    rate = 1.0

    def factor(self, step):
        self.rate *= 0.99
        return self.rate
""",
    "it ends at the final rate": "    def factor(self, step): return 1 / (1 + step)",
}


@pytest.mark.parametrize("more", ["", ENDS])
def test_a_good_one_breaks_none(broken: Check, more: str) -> None:
    assert broken("schedules", CLASS, more) == {}


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    assert set(BAD) == {rule.title for rule in RULES}


@pytest.mark.parametrize("rule", BAD)
def test_a_broken_rule_of_schedules_is_reported(broken: Check, rule: str, golden: Golden) -> None:
    advice = broken("schedules", CLASS + BAD[rule], ENDS if "final" in rule else "")
    assert set(advice) == {rule}
    golden(own_words(advice[rule]))


@pytest.mark.parametrize("value", ["1 / step", "torch.ones(1)", "float('nan')"])
def test_more_that_is_no_factor(broken: Check, value: str) -> None:
    advice = broken("schedules", CLASS + f"    def factor(self, step): return {value}")
    assert "factor" in advice["the factor is finite and at least 0"]
