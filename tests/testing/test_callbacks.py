"""Every rule for callbacks catches a plugin that breaks it."""

from __future__ import annotations

import pytest
from helpers.contract import Check

from ssltoolbox.testing.callbacks import RULES

CLASS = """
from pytorch_lightning import Callback


class Mirror(Callback):
    def __init__(self, options, setting):
        self.rows = 0

    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        self.rows += len(outputs["rows"])

    def state_dict(self):
        return {"rows": self.rows}

    def load_state_dict(self, state_dict):
        self.rows = state_dict["rows"]

"""
BAD = {
    "it is a Lightning callback": (
        """
class Mirror:
    def __init__(self, options, setting): pass
    def setup(self, trainer, module, stage): pass
    def state_dict(self): return {}
""",
        ["pytorch_lightning.Callback"],
    ),
    "it works in a run of two steps": (
        CLASS + "    def on_train_start(self, trainer, module): module.method.head",
        ["'_Method' object has no attribute 'head'", "mirror.py, line"],
    ),
    "its state can be saved and loaded": (
        CLASS + "    def state_dict(self): return {'rows': np.int64(self.rows), 'call': np.zeros(2)}",
        ["can't be saved and loaded", "plain values"],
    ),
    "it uses no global random numbers": (
        CLASS + "    def on_train_batch_start(self, *args): self.kept = torch.rand(1), np.random.random()",
        ["generator of torch", "generator of numpy", "generator of your own"],
    ),
}


def test_a_good_one_breaks_none(broken: Check) -> None:
    assert broken("callbacks", CLASS) == {}


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    assert set(BAD) == {rule.title for rule in RULES}


@pytest.mark.parametrize("rule", BAD)
def test_a_broken_rule_of_callbacks_is_reported(broken: Check, rule: str) -> None:
    body, said = BAD[rule]
    advice = broken("callbacks", body)
    for word in said:
        assert word in advice[rule]
    assert set(advice) == {rule}
