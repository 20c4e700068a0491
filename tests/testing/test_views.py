"""Every rule for views catches a plugin that breaks it."""

from __future__ import annotations

import pytest
from helpers.contract import Check
from helpers.golden import Golden

from ssltoolbox.testing.views import RULES

KIND = "views"
PLAIN = """
    def plain(self, images):
        size = (self.options.size, self.options.size)
        return nn.functional.interpolate(images.float() / 255, size)
"""
AUGMENT = """
    def augment(self, images, landmarks, side):
        flipped = torch.rand(len(images), 1, 1, 1, device=images.device) < self.options.p
        pixels = self.plain(images)
        return torch.where(flipped, pixels.flip(-1), pixels)
"""
BAD = {
    "calls keep no state": (
        PLAIN
        + """
    strength = 0.0

    def augment(self, images, landmarks, side):
        self.strength += 0.1
        return self.plain(images)
"""
    ),
    "it has no parameters that would not be trained": (
        AUGMENT
        + PLAIN
        + """
    def __init__(self, options):
        self.options, self.contrast = options, nn.Parameter(torch.ones(1))
"""
    ),
    "it can be copied to loader workers": (
        f"def __getstate__(self): raise TypeError('it has a window')\n{PLAIN}" + AUGMENT
    ),
    "images have the requested size": (
        f"def augment(self, images, landmarks, side): return images.float()\n{PLAIN}"
    ),
    "every pixel is a finite number": (
        PLAIN
        + """
    def augment(self, images, landmarks, side):
        return self.plain(images) * landmarks[:, 0, 0, None, None, None]
"""
    ),
    "images are not changed": (
        f"def augment(self, images, landmarks, side): return self.plain(images.copy_(images.flip(-1)))\n{PLAIN}"
    ),
    "the same seed gives the same views": (
        """
    generator = torch.Generator()

    def augment(self, images, landmarks, side):
        return self.plain(images) + torch.rand(1, generator=self.generator).to(images.device)
"""
        + PLAIN
    ),
    "plain uses no random numbers": (
        AUGMENT + PLAIN.replace("return ", "return torch.rand(1, device=images.device) + ")
    ),
}


def check(broken: Check, body: str) -> dict[str, str]:
    return broken(
        KIND, f"class Mirror:\n    def __init__(self, options): self.options = options\n    {body}\n"
    )


def test_a_good_one_breaks_none(broken: Check) -> None:
    assert check(broken, AUGMENT + PLAIN) == {}


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    assert set(BAD) == {rule.title for rule in RULES}


def test_a_side_that_depends_on_the_other_is_reported(broken: Check) -> None:
    body = """
    last = "none"

    def augment(self, images, landmarks, side):
        before, self.last = self.last, side
        return self.plain(images) + (before == "a" and side == "b")
"""
    advice = check(broken, body + PLAIN)["calls keep no state"]
    assert "`Mirror.augment`" in advice


@pytest.mark.parametrize("rule", BAD)
def test_a_broken_rule_of_views_is_reported(broken: Check, rule: str, golden: Golden) -> None:
    golden(check(broken, BAD[rule])[rule])
