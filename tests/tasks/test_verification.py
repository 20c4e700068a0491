"""Verification: LFW's protocol, against scikit-learn and by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from helpers.golden import Golden
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import auc
from torch import Tensor, nn

from ssltoolbox.api import Clip, Frames, Pairs, UserError
from ssltoolbox.engine.core.features import FeatureExtractor
from ssltoolbox.engine.scoring.tasks import TaskData
from ssltoolbox.tasks.options import VerificationOptions
from ssltoolbox.tasks.verification import Verification, best_threshold


class People:
    """Two images of each person, of a colour that is theirs as far as `noise` lets it be."""

    size = 4

    def __init__(self, people: int, folds: int, noise: float = 0.0, broken: Sequence[int] = ()) -> None:
        rng = np.random.default_rng(3)
        colours = np.repeat(rng.uniform(0, 255, size=(people, 3)), 2, axis=0)
        self.colours = np.clip(colours + noise * rng.normal(size=colours.shape), 0, 255)
        self.broken = broken
        self.people, self.folds = people, folds

    def __len__(self) -> int:
        return 2 * self.people

    def clip(self, index: int) -> Clip:
        return Clip(index, index // 2, np.zeros(1))

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        colours = torch.from_numpy(self.colours[list(clips)].astype(np.uint8))
        images = colours[:, :, None, None].expand(-1, 3, 4, 4).contiguous()
        unreadable = {place: "cut short" for place, clip in enumerate(clips) if clip in self.broken}
        return Frames(images, torch.full((len(clips), 68, 2), torch.nan), unreadable=unreadable)

    def pairs(self) -> Pairs:
        own = np.arange(self.people)
        fold = own * self.folds // self.people
        neighbour = np.array([np.roll(own[fold == f], 1) for f in range(self.folds)]).ravel()
        return Pairs(
            first=np.concatenate([2 * own, 2 * own]),
            second=np.concatenate([2 * own + 1, 2 * neighbour + 1]),
            same=np.repeat([True, False], self.people),
            fold=np.tile(fold, 2),
        )


class PlainView:
    def augment(self, images: Tensor, landmarks: Tensor, side: str) -> Tensor:
        raise AssertionError

    def plain(self, images: Tensor) -> Tensor:
        return images / 127.5 - 1


class Colour(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3))


def verify(dataset: Any, backbone: nn.Module | None = None) -> dict[str, Any]:
    data = TaskData(FeatureExtractor(backbone or Colour(), PlainView()), {"test": dataset})
    return Verification(VerificationOptions()).evaluate_network(data.context(0))["verification"]


def test_pairs_of_people_whose_features_differ_are_verified() -> None:
    result = verify(People(40, 10))
    assert result["accuracy"] > 0.95
    assert result["auc"] > 0.99
    assert (result["folds"], result["pairs"], result["left_out"], result["chance"]) == (10, 80, 0, 0.5)
    assert result["protocol"] == "10 folds"


def test_noise_is_chance_and_the_interval_knows_it() -> None:
    result = verify(People(200, 10, noise=1e4))
    low, high = result["accuracy_ci"]
    assert low < result["accuracy"] < high
    assert low < 0.5 < high
    assert abs(result["auc"] - 0.5) < 0.08


def test_the_result_is_json_and_the_curve_rises_from_corner_to_corner() -> None:
    result = verify(People(40, 10, noise=60))
    assert json.loads(json.dumps(result)) == result
    curve = result["roc"]
    assert len(curve["false_accepts"]) == len(curve["true_accepts"]) == 101
    assert (curve["false_accepts"][0], curve["false_accepts"][-1], curve["true_accepts"][-1]) == (0, 1, 1)
    assert (np.diff(curve["true_accepts"]) >= 0).all()
    area = auc(curve["false_accepts"], curve["true_accepts"])
    assert area == pytest.approx(result["auc"], abs=0.02)


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=1, max_size=30))
def test_no_threshold_is_better(pairs: list[tuple[int, bool]]) -> None:
    likeness, same = np.array([a for a, _ in pairs], float), np.array([b for _, b in pairs])

    def right(threshold: float) -> int:
        return int(((likeness > threshold) == same).sum())

    assert right(best_threshold(likeness, same)) == max(right(t) for t in [*np.arange(-6, 6) + 0.5])


def test_a_fold_does_not_choose_its_own_threshold() -> None:
    """In fold 0 pairs of one person are unlike, in fold 1 they are alike: each is judged by the other."""

    class Turned(People):
        def pairs(self) -> Pairs:
            pairs = super().pairs()
            return Pairs(pairs.first, pairs.second, pairs.same ^ (pairs.fold == 0), pairs.fold)

    assert verify(Turned(20, 2))["accuracy"] < 0.3


def test_pairs_with_an_unreadable_image_are_left_out_and_counted() -> None:
    result = verify(People(40, 10, broken=[0]))
    assert (result["left_out"], result["pairs"]) == (2, 78)


def test_verification_of_data_without_pairs_is_an_error(golden: Golden) -> None:
    class Plain:
        size = 4

    data = TaskData(FeatureExtractor(Colour(), PlainView()), {"test": Plain()})  # type: ignore[dict-item]
    task = Verification(VerificationOptions())
    data._feature_dim = lambda: 3  # type: ignore[method-assign]
    with pytest.raises(UserError) as caught:
        task.evaluate_network(data.context(0))
    golden(str(caught.value))


def test_features_that_are_no_numbers() -> None:
    class Diverged(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.mean(dim=(2, 3)) * torch.nan

    with pytest.raises(UserError, match="80 of 80 frames"):
        verify(People(40, 10), Diverged())


def test_verification_of_one_fold_is_an_error(golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        verify(People(8, 1))
    golden(str(caught.value))
