"""Every rule for optimisers catches a plugin that breaks it."""

from __future__ import annotations

import pytest
from helpers.contract import Check, own_words
from helpers.golden import Golden

from ssltoolbox.testing.optimisers import RULES

CLASS = """
class Mirror(torch.optim.Optimizer):
    def __init__(self, options, groups, setting):
        super().__init__(groups, {"lr": setting.lr, "weight_decay": setting.weight_decay})
        self.setting = setting

    @torch.no_grad()
    def step(self, closure=None):
        loss = self.call(closure)
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self.move(weight, weight.grad + self.decay(group) * weight, group)
        return loss

    def call(self, closure):
        if closure is not None:
            with torch.enable_grad():
                return closure()

    def decay(self, group):
        return group["weight_decay"]

    def move(self, weight, change, group):
        weight.sub_(group["lr"] * change)

"""
BAD = {
    "it lowers a small loss": "    def move(self, weight, change, group): weight.add_(group['lr'] * change)",
    "it uses the learning rate of each group": (
        "    def move(self, weight, change, group): weight.sub_(self.setting.lr * change)"
    ),
    "it uses the weight decay of each group": "    def decay(self, group): return self.setting.weight_decay",
    "it uses no random numbers": (
        "    def move(self, weight, change, group): weight.sub_(group['lr'] * torch.rand(1) * change)"
    ),
    "a closure is called": "    def call(self, closure): return None",
    "the saved state is complete": """
    steps = 0

    def move(self, weight, change, group):
        self.steps += 1
        weight.sub_(group["lr"] * change / self.steps)
""",
}


def test_a_good_one_breaks_none(broken: Check) -> None:
    assert broken("optimisers", CLASS) == {}


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    assert set(BAD) == {rule.title for rule in RULES}


@pytest.mark.parametrize("rule", BAD)
def test_a_broken_rule_of_optimisers_is_reported(broken: Check, rule: str, golden: Golden) -> None:
    advice = broken("optimisers", CLASS + BAD[rule])
    assert set(advice) == {rule}
    golden(own_words(advice[rule]))


def test_a_state_that_a_checkpoint_refuses_is_reported(broken: Check) -> None:
    body = """
    def move(self, weight, change, group):
        self.state[weight]["history"] = np.zeros(2)
        weight.sub_(group["lr"] * change)
"""
    advice = broken("optimisers", CLASS + body)["the saved state is complete"]
    assert "can't be read back" in advice
    assert "plain values" in advice
