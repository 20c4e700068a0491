"""Only frames of one clip that are near in time count."""

import pytest
import torch
from ssltoolbox_steady_features import SteadyFeaturesOptions
from ssltoolbox_steady_features.loss import SteadyFeatures

from ssltoolbox.api import AuxiliaryInputs, Rows

FEATURES = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])


def loss_of(clip: list[int], time: list[float], seconds: float = 1.0) -> float:
    ids, clips = torch.arange(3), torch.tensor(clip)
    rows = Rows(ids, clips, clips, torch.tensor(time, dtype=torch.float64))
    loss = SteadyFeatures(SteadyFeaturesOptions(seconds=seconds), context=None)
    return loss.loss(AuxiliaryInputs(FEATURES, None, rows, step=0)).item()


@pytest.mark.parametrize(
    ("clip", "time", "expected"),
    [
        ([0, 0, 1], [0.0, 0.5, 0.0], 1.0),  # one pair at a right angle
        ([0, 1, 0], [0.0, 0.5, 0.5], 0.0),  # one pair of equal features
        ([0, 0, 0], [0.0, 5.0, 9.0], 0.0),  # no pair is near in time
    ],
)
def test_only_near_frames_of_one_clip_count(clip: list[int], time: list[float], expected: float) -> None:
    assert loss_of(clip, time) == pytest.approx(expected)
