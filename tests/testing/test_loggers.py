"""Every rule for loggers catches a plugin that breaks it."""

from __future__ import annotations

import pytest
from helpers.contract import Check

from ssltoolbox.testing.loggers import RULES

CLASS = """
class Mirror:
    def __init__(self, options, setting):
        self.setting = setting
        self.run_id = setting.run_id or "run 1"
        self.prepare()

    def prepare(self):
        pass

    def log_hyperparams(self, params):
        pass

    def log_metrics(self, metrics, step):
        pass

"""
BAD = {
    "it accepts the recipe, metrics and the end of a run": [
        (
            "    def log_hyperparams(self, params): {name: float(value) for name, value in params.items()}",
            ["`Mirror.log_hyperparams` raised", "ssltoolbox.api.Logger"],
        ),
        (
            "    def log_metrics(self, metrics, step): metrics['accuracy']",
            ["`Mirror.log_metrics` raised KeyError"],
        ),
        ("    def close(self): pass", ["`Mirror.close` raised TypeError"]),
    ],
    "it continues a resumed run": [
        (
            "    def prepare(self): self.run_id = str(np.random.default_rng().random())",
            ["another run", "setting.run_id"],
        ),
        ("    def prepare(self): self.run_id = 7", ["must be text"]),
    ],
}
CASES = [(rule, *case) for rule, cases in BAD.items() for case in cases]


def test_a_good_one_breaks_none(broken: Check) -> None:
    assert broken("loggers", CLASS) == {}


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    assert set(BAD) == {rule.title for rule in RULES}


@pytest.mark.parametrize(("rule", "body", "said"), CASES)
def test_a_broken_rule_of_loggers_is_reported(broken: Check, rule: str, body: str, said: list[str]) -> None:
    advice = broken("loggers", CLASS + body)
    for word in said:
        assert word in advice[rule]
