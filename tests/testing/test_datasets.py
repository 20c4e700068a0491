"""Every rule for datasets catches a plugin that breaks it."""

from __future__ import annotations

import pytest
from helpers.contract import Check

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
    "goes to the loader's workers": (
        ("self.split = split", "self.open = lambda path: path"),
        "keep lambdas and open files out of it; open files when they are read",
    ),
    "facts are those of the training split": (
        ("return 3", "return 2"),
        "`facts()` promises clips 3, the training split has 2",
    ),
    "clips are in order of time": (
        ("np.arange(10) / 4", "np.zeros(10)"),
        "the times of `Mirror.clip(0)` must be seconds, one for each frame and each later than the one before",
    ),
    "frames as promised": (
        ("return api.Frames(images,", "return api.Frames(images.float(),"),
        "`Mirror.read` must give images uint8 [7, 3, 16, 16], it gave float32 [7, 3, 16, 16]",
    ),
    "the same places, the same bytes": (
        ("return api.Frames(images,", "return api.Frames(torch.randint_like(images, 255),"),
        "`Mirror.read` gave other bytes for the same places: augmentation is the view's, and what is drawn must "
        "follow from clip and frame",
    ),
    "frames in the order asked for": (
        ("return api.Frames(images,", "return api.Frames(images[images[:, 0, 0, 0].argsort()],"),
        "`Mirror.read` must give the frames in the order asked for, whatever else is asked for",
    ),
    "what is known of clips is what is read": (
        ("size = 16", "size = 16; identities = np.array([0, 1, 1])"),
        "`Mirror.identities` must give the person of each clip as `clip(index).identity` does",
    ),
    "calls leave nothing behind": (
        ("return api.Clip(", "self.seen = getattr(self, 'seen', 0) + 1; return api.Clip("),
        "`Mirror.clip` changes `seen` at every call: each loader worker has a copy of the component, and the "
        "copies go apart; let results follow from the arguments alone",
    ),
    "all three splits": (
        ("self.split = split", "self.size = 16 if split == 'train' else 8"),
        "images of the split 'test' have another size than those of 'train'",
    ),
}


def test_a_good_one_breaks_none(broken: Check) -> None:
    assert broken(KIND, CLASS, facts=FACTS) == {}


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    assert set(BAD) == {rule.title for rule in RULES}


@pytest.mark.parametrize("rule", BAD)
def test_what_breaks_a_rule_is_told(broken: Check, rule: str) -> None:
    (old, new), advice = BAD[rule]
    assert old in CLASS
    found = broken(KIND, CLASS.replace(old, new), facts=FACTS)
    assert found.get(rule, "").endswith(advice)


LABELLED = CLASS.replace("torch.nan))", "torch.nan), {'smile': torch.tensor(frames) % 3})")


@pytest.mark.parametrize(
    ("labels", "kept"), [("np.arange(10) % 3", True), ("np.arange(10) % 2", False), ("np.zeros(10)", False)]
)
def test_labels_that_are_known_early(broken: Check, labels: str, kept: bool) -> None:
    early = f"\n    def labels(self, index):\n        return {{'smile': {labels}}}\n"
    found = broken(KIND, LABELLED + early, facts=FACTS)
    told = found.pop("what is known of clips is what is read", "")
    assert ("'smile'" in told) is not kept
    assert not found


@pytest.mark.parametrize(
    ("changes", "rule", "advice"),
    [
        (
            {"longest=10": "longest=9, landmarks=True"},
            "facts are those of the training split",
            "`facts()` promises clips of 10 to 9 frames, there is one of 10",
        ),
        (
            {"longest=10": "longest=10, labels=frozenset({'smile'})"},
            "facts are those of the training split",
            "`facts()` promises the label 'smile', `Mirror.read` gives none",
        ),
        (
            {"torch.full((len(clips), 68, 2), torch.nan)": "torch.zeros(len(clips), 68, 2)"},
            "facts are those of the training split",
            "`facts()` says that there are no landmarks, `Mirror.read` gives some: say landmarks=True, or recipes "
            "that need them are refused",
        ),
        (
            {"torch.nan))": "torch.nan), {'smile': torch.zeros(len(clips), 2).double()})"},
            "frames as promised",
            "`Mirror.read` must give the label 'smile' as [7] or [7, C] int64 classes or float32 values, it gave "
            "float64 [7, 2]",
        ),
        (
            {"torch.nan))": "torch.nan), {}, {7: 'gone'})"},
            "frames as promised",
            "`Mirror.read` calls position 7 unreadable of 7 that were asked for: positions count from 0 in the "
            "order asked for",
        ),
    ],
)
def test_what_a_dataset_promises(broken: Check, changes: dict[str, str], rule: str, advice: str) -> None:
    facts, body = FACTS, CLASS
    for old, new in changes.items():
        assert (old in facts) != (old in body)
        facts, body = facts.replace(old, new), body.replace(old, new)
    assert broken(KIND, body, facts=facts)[rule] == advice
