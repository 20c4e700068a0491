"""Every rule for negative maskers catches a plugin that breaks it."""

from __future__ import annotations

import pytest
from helpers.contract import Check
from helpers.golden import Golden

from ssltoolbox.testing.negative_maskers import RULES

KIND = "negative_maskers"
DESCRIBE = """
    def describe(self, batch):
        return batch.frames.flatten(0, 1).float().mean(dim=(2, 3))
"""
MASK = """
    def mask(self, anchors, candidates, eligible):
        distance = torch.cdist(anchors.descriptor, candidates.descriptor)
        nearest = distance.masked_fill(~eligible, torch.inf).argmin(dim=1, keepdim=True)
        return torch.zeros_like(eligible).scatter(1, nearest, True) & eligible
"""
GOOD = DESCRIBE + MASK
BAD = {
    "it can be copied to loader workers": (
        f"def __getstate__(self): raise TypeError('it has a window')\n{GOOD}"
    ),
    "attract is a weight": (f"attract = -1.0\n{GOOD}"),
    "each frame has a descriptor": (
        f"def describe(self, batch): return batch.frames.float().mean(dim=(3, 4))\n{MASK}"
    ),
    "descriptors have no gradient": (
        """
    weight = torch.ones(3, requires_grad=True)

    def describe(self, batch):
        with torch.enable_grad():
            return batch.frames.flatten(0, 1).float().mean(dim=(2, 3)) * self.weight.to(batch.frames.device)
"""
        + MASK
    ),
    "describe does not change the batch": (
        f"def describe(self, batch): return batch.landmarks.flatten(0, 1).nan_to_num_().flatten(1)\n{MASK}"
    ),
    "the same batch gives the same descriptors": (
        f"def describe(self, batch): return torch.rand(batch.frames.shape[:2].numel(), 2)\n{MASK}"
    ),
    "each pair has a mask value": (
        f"{DESCRIBE}\n    def mask(self, anchors, candidates, eligible): return eligible.any(dim=1)"
    ),
    "mask does not change its input": (
        f"{DESCRIBE}\n    def mask(self, anchors, candidates, eligible): return eligible.fill_(False)"
    ),
    "the same rows give the same mask": (
        f"{DESCRIBE}\n    def mask(self, anchors, candidates, eligible):"
        "\n        return (torch.rand(eligible.shape) < 0.5).to(eligible.device) & eligible"
    ),
    "mask depends only on the rows": (
        """
    def describe(self, batch):
        self.found = batch.frames.flatten(0, 1).float().mean(dim=(2, 3))
        return self.found

    def mask(self, anchors, candidates, eligible):
        return eligible & (candidates.descriptor[:, 0] < self.found.mean())
"""
    ),
    "calls keep no state": (
        """
    mean = 0.0

    def describe(self, batch):
        found = batch.frames.flatten(0, 1).float().mean(dim=(2, 3))
        self.mean = 0.9 * self.mean + 0.1 * float(found.mean())
        return found
"""
        + MASK
    ),
    "it has no parameters that would not be trained": (
        f"{GOOD}\n    def __init__(self, options):\n        super().__init__(options)\n"
        "        self.tools = {'net': nn.Linear(3, 3).requires_grad_(False)}\n"
    ),
    "pairs that are not eligible have no effect": (
        DESCRIBE + MASK.replace(".masked_fill(~eligible, torch.inf)", ".nan_to_num(torch.inf)")
    ),
}


WEIGHTS = """
    needs_similarity = True

    def answer(self, comparison):
        return api.MaskerAnswer(weights=comparison.similarity.exp())
"""
LEARNS = """
    def __init__(self, options):
        super().__init__(options)
        self.register_buffer("mean", torch.tensor(0.0))

    def update(self, rows, embeddings):
        self.mean.lerp_(embeddings.mean(), 0.5)
"""
ANSWER = """
    needs_similarity = True

    def answer(self, comparison):
        return comparison.eligible & (comparison.similarity > self.mean)
"""
BAD |= {
    "each pair has a weight above 0": (DESCRIBE + WEIGHTS.replace(".exp()", "")),
    "its learned state is saved": (
        f"def update(self, rows, embeddings): self.mean = embeddings.mean()\n{GOOD}"
    ),
}


def check(broken: Check, body: str) -> dict[str, str]:
    return broken(KIND, f"class Mirror(api.NegativeMasker):\n    {body}\n")


def check_module(broken: Check, body: str) -> dict[str, str]:
    return broken(KIND, f"class Mirror(api.NegativeMasker, nn.Module):\n    {body}\n")


@pytest.mark.parametrize(
    "body", [GOOD, DESCRIBE + WEIGHTS, WEIGHTS], ids=["mask", "weights", "no descriptors"]
)
def test_a_good_one_breaks_none(broken: Check, body: str) -> None:
    assert check(broken, body) == {}


def test_a_good_one_that_learns_breaks_none(broken: Check) -> None:
    assert check_module(broken, LEARNS + ANSWER) == {}


def test_learned_state_that_is_not_saved_is_reported(broken: Check, golden: Golden) -> None:
    forgets = LEARNS.replace("torch.tensor(0.0))", "torch.tensor(0.0), persistent=False)")
    golden(check_module(broken, forgets + ANSWER)["its learned state is saved"])


def test_weights_of_another_shape_are_reported(broken: Check, golden: Golden) -> None:
    found = check(broken, WEIGHTS.replace(".exp()", ".exp().sum(dim=1)"))
    golden(found["each pair has a weight above 0"])


def test_an_answer_that_changes_its_input_is_reported(broken: Check, golden: Golden) -> None:
    found = check(broken, WEIGHTS.replace(".exp()", ".exp_()"))
    golden(found["mask does not change its input"])


def test_every_rule_has_a_plugin_that_breaks_it() -> None:
    assert set(BAD) == {rule.title for rule in RULES}


@pytest.mark.parametrize("rule", BAD)
def test_a_broken_rule_of_negative_maskers_is_reported(broken: Check, rule: str, golden: Golden) -> None:
    golden(check(broken, BAD[rule])[rule])


def test_descriptors_have_one_length(broken: Check, golden: Golden) -> None:
    body = (
        "def describe(self, batch): return batch.frames.flatten(0, 1).float().flatten(1)[:, : 3 * len(batch)]"
    )
    golden(check(broken, body + MASK)["each frame has a descriptor"])


def test_faces_without_landmarks_raise_no_error(broken: Check) -> None:
    body = """
    def describe(self, batch):
        points = batch.landmarks.flatten(0, 1).flatten(1)
        if points.isnan().any():
            raise ValueError("a face is missing")
        return points
"""
    assert "ValueError: a face is missing" in check(broken, body + MASK)["each frame has a descriptor"]
