"""Rules for any component: its card, its options, and how it is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.contract import Check, source_of
from helpers.golden import Golden
from helpers.plugins import FakePlugins

from ssltoolbox.api import UserError
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
    "it is documented": ('"The positive is mirrored."', '"Mirror"'),
    "its needs are known ones": (
        (
            '    """Probability of a mirror."""',
            '    """Probability of a mirror."""\n\n'
            '    def also_needs(self): return frozenset({"label", "labels"})',
        )
    ),
    "options can be saved in a recipe": (
        ('    """Probability of a mirror."""', f'    """Probability of a mirror."""\n{ROUNDED}')
    ),
}


def advice(path: Path | str) -> dict[str, str]:
    return {finding.rule: finding.advice for finding in examine(path) if finding.advice}


@pytest.mark.parametrize("rule", BAD)
def test_a_broken_rule_of_descriptors_is_reported(plugins: FakePlugins, rule: str, golden: Golden) -> None:
    old, new = BAD[rule]
    assert old in GOOD
    golden(advice(plugins.file("mirror.py", GOOD.replace(old, new)))[rule])


def test_a_class_that_takes_no_options_is_named_by_its_line(plugins: FakePlugins) -> None:
    path = plugins.file("mirror.py", GOOD.replace("class Mirror(api.PositiveGenerator)", "class Mirror"))
    line = 1 + path.read_text().splitlines().index("class Mirror:")
    ((rule, text),) = advice(path).items()
    assert rule == "it can be created from its options"
    assert "TypeError: Mirror() takes no arguments" in text
    assert f"({path}, line {line})" in text


RAISES = """class Mirror(api.PositiveGenerator):
    def __init__(self, options):
        self.table = read_table(options)

def read_table(options):
    return {}["gaze"]
"""


def test_a_constructor_that_raises_is_named_by_its_line(plugins: FakePlugins) -> None:
    path = plugins.file("mirror.py", source_of(KIND, RAISES))
    line = 1 + path.read_text().splitlines().index('    return {}["gaze"]')
    ((rule, text),) = advice(path).items()
    assert rule == "it can be created from its options"
    assert "KeyError: 'gaze'" in text
    assert f"({path}, line {line})" in text


def test_options_that_the_constructor_refuses_are_the_user_s(plugins: FakePlugins) -> None:
    body = RAISES.replace('return {}["gaze"]', "raise api.UserError('there is no table', 'name one')")
    with pytest.raises(UserError) as caught:
        examine(plugins.file("mirror.py", source_of(KIND, body)))
    assert "positive generator 'mirror'" in str(caught.value)
    assert "there is no table" in caught.value.message
    assert caught.value.hint == "name one"


def test_all_complaints_of_a_rule_come_at_once(plugins: FakePlugins) -> None:
    source = GOOD.replace('"The positive is mirrored."', '"Mirror"')
    source = source.replace('    """How often to mirror."""\n', "")
    source = source.replace('    """Probability of a mirror."""', "    q: float = 0.5")
    lines = advice(plugins.file("mirror.py", source))["it is documented"].splitlines()
    about = ("summary", "MirrorOptions", "`p`", "`q`")
    assert [word in line for word, line in zip(about, lines, strict=True)] == [True] * 4


def test_all_members_that_are_missing_are_named(broken: Check) -> None:
    found = broken("views", "class Mirror:\n    def __init__(self, options): pass\n")
    assert [name in found["it can be created from its options"] for name in ("`augment`", "`plain`")] == [
        True,
        True,
    ]


def test_no_complaint_follows_from_another(broken: Check) -> None:
    body = """
class Mirror:
    def __init__(self, options): pass
    def augment(self, images, landmarks, side): return None
    def plain(self, images): return None
"""
    found = broken("views", body)
    assert set(found) == {"images have the requested size"}
    assert ["`Mirror.augment" in line for line in found["images have the requested size"].splitlines()] == [
        True,
        False,
    ]


def test_what_an_error_keeps_from_being_tried_is_not_kept(plugins: FakePlugins) -> None:
    body = "class Mirror(api.PositiveGenerator):\n    def pick(self, clip, frame, rng): return {}['gaze']\n"
    findings = examine(plugins.file("mirror.py", source_of(KIND, body)))
    broken = [finding for finding in findings if finding.advice]
    assert [finding.rule for finding in broken] == ["a pick is a frame of the clip, or None"]
    assert "KeyError: 'gaze'" in broken[0].advice
    untried = {finding.rule for finding in findings if not finding.tried}
    assert "the same arguments give the same pick" in untried
    assert not any(finding.kept for finding in findings if not finding.tried)


def test_what_the_base_class_leaves_open_is_named(broken: Check) -> None:
    (advice,) = broken("negative_maskers", "class Mirror(api.NegativeMasker):\n    pass\n").values()
    assert "`ssltoolbox.api.NegativeMasker`" in advice
    assert "mask or answer" in advice


def test_a_call_that_does_not_fit_is_not_blamed_on_the_kit(broken: Check) -> None:
    (advice,) = broken(KIND, "class Mirror(api.PositiveGenerator):\n    def pick(self): pass\n").values()
    assert "`ssltoolbox.api.PositiveGenerator`" in advice
    assert "pick()" in advice
    assert "ssltoolbox/testing" not in advice


def test_an_installed_plugin_is_listed_without_torch(plugins: FakePlugins, golden: Golden) -> None:
    plugins.install("mirror", GOOD)
    ((rule, text),) = advice("mirror").items()
    assert rule == "it is listed without torch"
    golden(text)


def test_a_good_one_breaks_none(plugins: FakePlugins) -> None:
    plugins.install("mirror", GOOD.replace("import torch\nfrom torch import nn\n", ""))
    assert advice("mirror") == {}


@pytest.mark.parametrize(
    "docstring", ['    """How often to mirror."""\n', '    """Probability of a mirror."""']
)
def test_options_are_documented(plugins: FakePlugins, docstring: str, golden: Golden) -> None:
    assert docstring in GOOD
    golden(advice(plugins.file("mirror.py", GOOD.replace(docstring, "")))["it is documented"])


def test_options_that_refuse_what_they_wrote(plugins: FakePlugins) -> None:
    mark = '    """Probability of a mirror."""'
    path = plugins.file("mirror.py", GOOD.replace(mark, f"{mark}\n{REFUSED}"))
    found = advice(path)["options can be saved in a recipe"]
    assert found.startswith("`MirrorOptions` ")


def test_what_is_missing_is_named(broken: Check) -> None:
    found = broken(KIND, "class Mirror:\n    def __init__(self, options): pass\n    def pick(self): pass\n")
    ((rule, text),) = found.items()
    assert rule == "it can be created from its options"
    assert "`Mirror` has no `render`" in text
    assert "ssltoolbox.api.PositiveGenerator" in text


def test_a_method_is_a_module(broken: Check) -> None:
    body = """
class Mirror:
    def __init__(self, options, context): self.backbone = context.backbone
    def before_step(self, step): pass
    def step(self, view_a, view_b, rows): pass
"""
    ((rule, text),) = broken("methods", body, "negatives=None").items()
    assert rule == "it can be created from its options"
    assert "`torch.nn.Module`" in text


def test_a_file_may_import_torch(broken: Check) -> None:
    assert broken(KIND, "class Mirror(api.PositiveGenerator):\n    pass\n") == {}
