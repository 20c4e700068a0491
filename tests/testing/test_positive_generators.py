"""Every rule for positive generators catches a plugin that breaks it."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.contract import Check, own_words
from helpers.golden import Golden

from ssltoolbox.testing.positive_generators import RULES

KIND = "positive_generators"
CLASS = "class Mirror(api.PositiveGenerator):\n    {}\n"
GOOD = """
    def pick(self, clip, frame, rng):
        return int(rng.integers(len(clip)))

    def render(self, batch):
        half = batch.frames.shape[1] // 2
        frames, landmarks = batch.frames.clone(), batch.landmarks.clone()
        frames[:, half:] = frames[:, half:].flip(-1)
        return replace(batch, frames=frames, landmarks=landmarks, counts={**batch.counts, "mirrored": 1})
"""
BAD = {
    "it can be copied to loader workers": """
    def __init__(self, options):
        super().__init__(options)
        self.change = lambda frame: frame
""",
    "a pick is a frame of the clip, or None": "def pick(self, clip, frame, rng): return frame + 1",
    "the same arguments give the same pick": (
        "def pick(self, clip, frame, rng): return int(np.random.randint(len(clip)))"
    ),
    "clips are not changed": (
        "def pick(self, clip, frame, rng):\n        clip.times[:] += 1\n        return frame"
    ),
    "render does not change its input": (
        "def render(self, batch):\n        batch.positives.copy_(batch.positives.flip(-1))\n        return batch"
    ),
    "render keeps shapes and types": (
        "def render(self, batch): return replace(batch, frames=batch.frames.float())"
    ),
    "render changes only positives": (
        "def render(self, batch): return replace(batch, frames=batch.frames.flip(-1))"
    ),
    "a face has all landmarks or none": """
    def render(self, batch):
        points = batch.landmarks.clone()
        points[:, -1, :5] = torch.nan
        return replace(batch, landmarks=points)
""",
    "the same seed gives the same pixels": """
    generator = torch.Generator()

    def render(self, batch):
        frames = batch.frames.clone()
        noise = torch.randint(255, frames[:, -1].shape, generator=self.generator, dtype=torch.uint8)
        frames[:, -1] = noise.to(frames.device)
        return replace(batch, frames=frames)
""",
    "calls keep no state": """
    seen = 0

    def render(self, batch):
        self.seen += 1
        return batch
""",
    "it has no parameters that would not be trained": """
    def __init__(self, options):
        super().__init__(options)
        self.net = nn.Linear(2, 2).requires_grad_(False)
""",
    "render keeps the existing counts": "def render(self, batch): return replace(batch, counts={'mirrored': 3})",
}


def test_a_good_one_breaks_none(broken: Check) -> None:
    assert broken(KIND, CLASS.format(GOOD)) == {}
    assert broken(KIND, CLASS.format("pass")) == {}


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    assert set(BAD) == {rule.title for rule in RULES}


@pytest.mark.parametrize("rule", BAD)
def test_a_broken_rule_of_positive_generators_is_reported(broken: Check, rule: str, golden: Golden) -> None:
    golden(own_words(broken(KIND, CLASS.format(BAD[rule]))[rule]))


def test_a_pick_that_depends_on_earlier_picks_is_reported(broken: Check) -> None:
    body = """
    asked = 0

    def pick(self, clip, frame, rng):
        self.asked += 1
        return frame if self.asked > 100 else None
"""
    advice = broken(KIND, CLASS.format(body))["the same arguments give the same pick"]
    assert advice.startswith("`Mirror.pick` ")


def test_a_pick_that_leaves_state_for_render_is_reported(broken: Check) -> None:
    body = """
    gap = 0

    def pick(self, clip, frame, rng):
        self.gap = frame
        return frame

    def render(self, batch):
        frames = batch.frames.clone()
        frames[:, -1] += self.gap % 7 + 1
        return replace(batch, frames=frames)
"""
    assert "`Mirror.render`" in (broken(KIND, CLASS.format(body))["calls keep no state"])


def test_what_is_worked_out_once_may_be_kept(broken: Check) -> None:
    body = """
    table = None

    def pick(self, clip, frame, rng):
        self.table = np.arange(3) if self.table is None else self.table
        self.last = clip.index
        return frame
"""
    assert broken(KIND, CLASS.format(body)) == {}


def test_what_a_pick_found_reaches_render(broken: Check) -> None:
    body = """
    def pick(self, clip, frame, rng):
        return api.Pick(frame, found={"gap": 0.5})

    def render(self, batch):
        known = batch.found["gap"].nan_to_num(0.0) > 0
        frames = torch.where(known[:, :, None, None, None], batch.frames.flip(-1), batch.frames)
        return replace(batch, frames=frames)
"""
    assert broken(KIND, CLASS.format(body)) == {}


def test_a_pick_may_be_of_another_clip(broken: Check, golden: Golden) -> None:
    body = """
    def pick(self, clip, frame, rng):
        return api.Pick(clip={}, frame=0)
"""
    assert broken(KIND, CLASS.format(body.format("(clip.index + 1) % len(clip.catalogue)"))) == {}
    found = broken(KIND, CLASS.format(body.format("len(clip.catalogue)")))
    golden(found["a pick is a frame of the clip, or None"])


@pytest.mark.parametrize("base", ["api.PositiveGenerator, nn.Module", "nn.Module"])
def test_a_network_is_frozen(broken: Check, base: str, golden: Golden) -> None:
    body = f"""
class Mirror({base}):
    def __init__(self, options):
        nn.Module.__init__(self)
        self.net = nn.Linear(2, 2)

    def pick(self, clip, frame, rng):
        return frame

    def render(self, batch):
        return batch
"""
    (rule, advice), *others = broken(KIND, body).items()
    golden(rule)
    assert ["`net.weight`" in line or "`net.bias`" in line for line in advice.splitlines()] == [True, True]
    assert not others
    assert broken(KIND, body.replace("(2, 2)", "(2, 2).requires_grad_(False)")) == {}


def test_who_is_who_stays(broken: Check) -> None:
    body = "def render(self, batch): return replace(batch, identity=batch.identity + 1)"
    ((rule, text),) = broken(KIND, CLASS.format(body)).items()
    assert rule == "render changes only positives"
    assert "`Mirror.render` changed `identity`" in text


def test_an_error_names_the_line(broken: Check, tmp_path: Path, golden: Golden) -> None:
    body = "def pick(self, clip, frame, rng): return clip.landmarks[frame].argmin()"
    advice = broken(KIND, CLASS.format(body))["a pick is a frame of the clip, or None"]
    golden(advice)
