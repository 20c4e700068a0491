"""Rules for any component: its card, its options, and how it is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.contract import source_of
from support.plugins import FakePlugins

from ssltoolbox.testing import examine

KIND = "positive_generators"
GOOD = source_of(KIND, "class Mirror(api.PositiveGenerator):\n    pass\n")
ROUNDED = """
    from pydantic import field_validator

    @field_validator("p")
    @classmethod
    def _halved(cls, p): return p / 2
"""
REFUSED = """
    from pydantic import field_serializer

    @field_serializer("p")
    def _as_text(self, p): return f"{p:.0%}"
"""
BAD = {
    "documented": (
        ('"The positive is mirrored."', '"Mirror"'),
        "make the summary a sentence of 10 to 100 characters with a full stop: 'Mirror'",
    ),
    "options survive a recipe": (
        ('    """Probability of a mirror."""', f'    """Probability of a mirror."""\n{ROUNDED}'),
        "`MirrorOptions` is another one once it was written and read: p=0.25 became p=0.125; leave the values as "
        "they were written, and work out what follows from them in the class",
    ),
    "made from its options": (
        ("class Mirror(api.PositiveGenerator)", "class Mirror"),
        "`Mirror(options)` raised TypeError: Mirror() takes no arguments; is it called with the right options, "
        "and is what they name there?",
    ),
}


def advice(path: Path | str) -> dict[str, str]:
    return {finding.rule: finding.advice for finding in examine(path) if not finding.kept}


@pytest.mark.parametrize("rule", BAD)
def test_what_breaks_a_rule_is_told(plugins: FakePlugins, rule: str) -> None:
    (old, new), expected = BAD[rule]
    assert old in GOOD
    assert advice(plugins.file("mirror.py", GOOD.replace(old, new)))[rule] == expected


def test_an_installed_plugin_is_listed_without_torch(plugins: FakePlugins) -> None:
    plugins.install("mirror", GOOD)
    assert advice("mirror") == {
        "listed without torch": "importing `fake_mirror` imports torch, which makes `ssltoolbox --help` and "
        "`check` slow: keep hooks and options in a module of their own, and the class that works in another, "
        "named by `target`, such as 'fake_mirror.strategy:Mirror'"
    }


def test_a_good_one_breaks_none(plugins: FakePlugins) -> None:
    plugins.install("mirror", GOOD.replace("import torch\nfrom torch import nn\n", ""))
    assert advice("mirror") == {}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            '    """How often to mirror."""\n',
            "",
            "give `MirrorOptions` a docstring: editors and `plugins show` print it",
        ),
        (
            '    """Probability of a mirror."""',
            "",
            "write a docstring beneath the option `p`: what it means, its unit, its bounds",
        ),
    ],
)
def test_options_are_documented(plugins: FakePlugins, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    assert advice(plugins.file("mirror.py", GOOD.replace(old, new)))["documented"] == expected


def test_options_that_refuse_what_they_wrote(plugins: FakePlugins) -> None:
    mark = '    """Probability of a mirror."""'
    path = plugins.file("mirror.py", GOOD.replace(mark, f"{mark}\n{REFUSED}"))
    found = advice(path)["options survive a recipe"]
    assert found.startswith(
        "`MirrorOptions` refuses what it wrote itself, so that a run's recipe.yaml could not"
    )


def test_what_is_missing_is_named(broken) -> None:
    found = broken(KIND, "class Mirror:\n    def __init__(self, options): pass\n    def pick(self): pass\n")
    assert found == {
        "made from its options": "`Mirror` has no `render`; see `ssltoolbox.api.PositiveGenerator` for what it "
        "must have"
    }


def test_a_method_is_a_module(broken) -> None:
    body = """
class Mirror:
    def __init__(self, options, context): self.backbone = context.backbone
    def before_step(self, step): pass
    def step(self, view_a, view_b, rows): pass
"""
    assert broken("methods", body, "negatives=None") == {
        "made from its options": "derive `Mirror` from `torch.nn.Module`, so that it is trained and saved"
    }


def test_a_file_may_import_torch(broken) -> None:
    assert broken(KIND, "class Mirror(api.PositiveGenerator):\n    pass\n") == {}
