"""Every rule for negative samplers catches a plugin that breaks it."""

from __future__ import annotations

import pytest
from helpers.contract import Check, own_words
from helpers.golden import Golden

from ssltoolbox.testing.negative_samplers import RULES

KIND = "negative_samplers"
CLASS = "class Mirror(api.NegativeSampler):\n    {}\n"
GOOD = """
    def pick(self, clip, anchor, rng):
        others = [frame for frame in range(len(clip)) if frame != anchor]
        return rng.permutation(others)[: self.options.count].astype(int).tolist()
"""
BAD = {
    "it can be copied to loader workers": (
        """
    import threading

    def __init__(self, options):
        self.options, self.lock = options, self.threading.Lock()
"""
        + GOOD
    ),
    "picks are frames of the clip": "def pick(self, clip, anchor, rng): return [-1]",
    "picks differ from the anchor and from each other": (
        "def pick(self, clip, anchor, rng): return rng.integers(len(clip), size=self.options.count).tolist()"
    ),
    "there are `count` picks": (
        "def pick(self, clip, anchor, rng): return [0 if anchor else 1][: len(clip) - 1]"
    ),
    "the same arguments give the same pick": """
    def pick(self, clip, anchor, rng):
        others = [frame for frame in range(len(clip)) if frame != anchor]
        return torch.randperm(len(others))[: self.options.count].tolist()
""",
    "calls keep no state": """
    seen = 0

    def pick(self, clip, anchor, rng):
        self.seen += 1
        return []
""",
    "it has no parameters that would not be trained": (
        """
    def __init__(self, options):
        super().__init__(options)
        self.scale = nn.Parameter(torch.ones(1))
"""
        + GOOD
    ),
    "clips are not changed": (
        "def pick(self, clip, anchor, rng):\n        clip.times[-1] = 0\n        return []"
    ),
}


def test_a_good_one_breaks_none(broken: Check) -> None:
    assert broken(KIND, CLASS.format(GOOD)) == {}


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    assert set(BAD) == {rule.title for rule in RULES}


@pytest.mark.parametrize("rule", BAD)
def test_a_broken_rule_of_negative_samplers_is_reported(broken: Check, rule: str, golden: Golden) -> None:
    golden(own_words(broken(KIND, CLASS.format(BAD[rule]))[rule]))


def test_the_error_of_pickling_is_in_the_advice(broken: Check) -> None:
    rule = "it can be copied to loader workers"
    assert "TypeError: cannot pickle" in broken(KIND, CLASS.format(BAD[rule]))[rule]


@pytest.mark.parametrize(
    "body",
    ["return [anchor]", "return [f for f in (0, 0) if f != anchor]"],
    ids=["the anchor", "a frame twice"],
)
def test_a_negative_is_another_frame(broken: Check, body: str, golden: Golden) -> None:
    found = broken(KIND, CLASS.format(f"def pick(self, clip, anchor, rng): {body}"))
    golden(found["picks differ from the anchor and from each other"])


def test_no_list_is_no_answer(broken: Check, golden: Golden) -> None:
    found = broken(KIND, CLASS.format("def pick(self, clip, anchor, rng): return None"))
    golden(found["picks are frames of the clip"])


SIMILAR = """
    def pick(self, clip, anchor, rng):
        others = [clip.catalogue.clip(int(i)) for i in np.flatnonzero(clip.catalogue.identities != clip.identity)]
        found = [
            api.Pick(frame=frame, clip=other.index, found={"width": self.width(other, frame)})
            for other in others for frame in range(0, len(other), 20)
        ]
        return rng.permutation(found)[: self.options.count].tolist()

    def width(self, clip, frame):
        points = clip.landmarks
        return float("nan") if points is None else float(points[frame, 54, 0] - points[frame, 48, 0])
"""


def test_a_pick_may_have_found_no_number(broken: Check) -> None:
    assert broken(KIND, CLASS.format(SIMILAR)) == {}


WITH_LANDMARKS = """
    def pick(self, clip, anchor, rng):
        if clip.landmarks is None or np.isnan(clip.landmarks[anchor]).any():
            return []
        found = [
            api.Pick(frame=frame, clip=other.index)
            for other in map(clip.catalogue.clip, np.flatnonzero(clip.catalogue.identities != clip.identity))
            if other.landmarks is not None
            for frame in np.flatnonzero(~np.isnan(other.landmarks).any(axis=(1, 2)))
        ]
        return rng.permutation(found)[: self.options.count].tolist()
"""


def test_landmarks_of_another_person_are_found(broken: Check) -> None:
    assert broken(KIND, CLASS.format(WITH_LANDMARKS)) == {}
