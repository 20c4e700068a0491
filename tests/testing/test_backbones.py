"""Every rule for backbones catches a plugin that breaks it."""

from __future__ import annotations

import re

import pytest
from helpers.contract import Check, own_words
from helpers.golden import Golden

from ssltoolbox.testing.backbones import RULES

CLASS = """
class Mirror(nn.Module):
    def __init__(self, options, setting):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 8, stride=8)
        self.prepare()

    def prepare(self):
        pass

    def forward(self, images):
        return self.conv(images).mean(dim=(2, 3))

"""
BAD = {
    "it is a network": """class Mirror:
    def __init__(self, options, setting):
        pass

    def forward(self, images):
        return images.mean(dim=(2, 3))
""",
    "images give pooled features": (CLASS + "    def forward(self, images): return self.conv(images)"),
    "features don't depend on other images of the batch": (
        CLASS
        + """    def forward(self, images):
        features = self.conv(images).mean(dim=(2, 3))
        return features - features.mean(dim=0)
"""
    ),
    "gradients reach all trained parameters": (
        CLASS + "    def prepare(self): self.classifier = nn.Linear(4, 10)"
    ),
    "the seed determines the weights": (
        CLASS
        + """    def prepare(self):
        with torch.no_grad():
            self.conv.weight.copy_(torch.from_numpy(np.random.default_rng().normal(size=self.conv.weight.shape)))
"""
    ),
    "weights are saved and loaded": (
        CLASS
        + """    def prepare(self):
        self.register_buffer("mean", torch.zeros(4), persistent=False)

    def forward(self, images):
        features = self.conv(images).mean(dim=(2, 3))
        if self.training:
            self.mean = 1 + features.detach().mean(dim=0)
        return features - self.mean
"""
    ),
    "it can be copied": (
        CLASS + "    import threading\n    def prepare(self): self.lock = self.threading.Lock()"
    ),
}


def test_a_good_one_breaks_none(broken: Check) -> None:
    assert broken("backbones", CLASS) == {}


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    assert set(BAD) == {rule.title for rule in RULES}


@pytest.mark.parametrize("rule", BAD)
def test_a_broken_rule_of_backbones_is_reported(broken: Check, rule: str, golden: Golden) -> None:
    advice = broken("backbones", BAD[rule])
    assert set(advice) == {rule}
    golden(own_words(advice[rule]))


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("    def prepare(self): self.requires_grad_(False)", "it is a network"),
        (
            "    def forward(self, images): return torch.log(-self.conv(images).mean(dim=(2, 3)).square())",
            "images give pooled features",
        ),
        (
            "    def prepare(self): self.also = self.conv",
            "weights are saved and loaded",
        ),
    ],
    ids=["frozen", "not finite", "shared"],
)
def test_more_ways_to_break_a_rule_of_backbones_are_reported(
    broken: Check, body: str, rule: str, golden: Golden
) -> None:
    golden(re.sub(r"Some tensors .*\](?=;)", "<error>", broken("backbones", CLASS + body)[rule]))
