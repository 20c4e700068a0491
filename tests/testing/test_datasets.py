"""Every rule for datasets catches a plugin that breaks it."""

from __future__ import annotations

import pytest
from helpers.contract import Check, own_words
from helpers.golden import Golden

from ssltoolbox.testing.datasets import RULES

KIND = "datasets"
FACTS = """
    def facts(self):
        return api.DataFacts(clips=3, identities=3, frames=30, fps=4.0, size=16, shortest=10, longest=10)
"""
CLASS = """
class Mirror:
    size = 16

    def __init__(self, options, split):
        self.split = split

    def __len__(self):
        return 3

    def clip(self, index):
        return api.Clip(index, index, np.arange(10) / 4)

    def read(self, clips, frames):
        images = torch.zeros(len(clips), 3, 16, 16, dtype=torch.uint8)
        images[:, 0] = (20 * torch.tensor(clips) + torch.tensor(frames))[:, None, None]
        return api.Frames(images, torch.full((len(clips), 68, 2), torch.nan))
"""
BAD = {
    "it can be copied to loader workers": ("self.split = split", "self.open = lambda path: path"),
    "facts describe the training split": ("return 3", "return 2"),
    "clips are in order of time": ("np.arange(10) / 4", "np.zeros(10)"),
    "frames have the right shape and type": (
        "return api.Frames(images,",
        "return api.Frames(images.float(),",
    ),
    "the same frames give the same bytes": (
        "return api.Frames(images,",
        "return api.Frames(torch.randint_like(images, 255),",
    ),
    "frames are in the requested order": (
        "return api.Frames(images,",
        "return api.Frames(images[images[:, 0, 0, 0].argsort()],",
    ),
    "clips and frames have the same labels and people": (
        "size = 16",
        "size = 16; identities = np.array([0, 1, 1])",
    ),
    "an epoch has each clip once": (
        "    def clip(",
        "    def order(self, rng):\n        return rng.integers(3, size=4)\n\n    def clip(",
    ),
    "calls keep no state": (
        "return api.Clip(",
        "self.seen = getattr(self, 'seen', 0) + 1; return api.Clip(",
    ),
    "all three splits can be opened": ("self.split = split", "self.size = 16 if split == 'train' else 8"),
}


def test_a_good_one_breaks_none(broken: Check) -> None:
    assert broken(KIND, CLASS, facts=FACTS) == {}


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    assert set(BAD) == {rule.title for rule in RULES}


@pytest.mark.parametrize("rule", BAD)
def test_a_broken_rule_of_datasets_is_reported(broken: Check, rule: str, golden: Golden) -> None:
    old, new = BAD[rule]
    assert old in CLASS
    golden(own_words(broken(KIND, CLASS.replace(old, new), facts=FACTS)[rule]))


LABELLED = CLASS.replace("torch.nan))", "torch.nan), {'smile': torch.tensor(frames) % 3})")


@pytest.mark.parametrize(
    ("labels", "kept"), [("np.arange(10) % 3", True), ("np.arange(10) % 2", False), ("np.zeros(10)", False)]
)
def test_labels_that_are_known_early(broken: Check, labels: str, kept: bool) -> None:
    early = f"\n    def labels(self, index):\n        return {{'smile': {labels}}}\n"
    found = broken(KIND, LABELLED + early, facts=FACTS)
    told = found.pop("clips and frames have the same labels and people", "")
    assert ("'smile'" in told) is not kept
    assert not found


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"longest=10": "longest=9, landmarks=True"}, "facts describe the training split"),
        (
            {"longest=10": "longest=10, labels=frozenset({'smile'})"},
            "facts describe the training split",
        ),
        (
            {"torch.full((len(clips), 68, 2), torch.nan)": "torch.zeros(len(clips), 68, 2)"},
            "facts describe the training split",
        ),
        (
            {"torch.nan))": "torch.nan), {'smile': torch.zeros(len(clips), 2).double()})"},
            "frames have the right shape and type",
        ),
        ({"torch.nan))": "torch.nan), {}, {7: 'gone'})"}, "frames have the right shape and type"),
    ],
    ids=["lengths", "a label", "no landmarks", "a label's type", "an unreadable position"],
)
def test_what_a_dataset_promises(broken: Check, changes: dict[str, str], rule: str, golden: Golden) -> None:
    facts, body = FACTS, CLASS
    for old, new in changes.items():
        assert (old in facts) != (old in body)
        facts, body = facts.replace(old, new), body.replace(old, new)
    golden(broken(KIND, body, facts=facts)[rule])
