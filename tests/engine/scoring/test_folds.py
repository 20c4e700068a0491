"""The mean of several folds."""

from __future__ import annotations

from typing import Any

from ssltoolbox.engine.scoring.folds import over_folds


def fold(f1: float, **more: Any) -> dict[str, Any]:
    return {
        "f1": f1,
        "f1_ci": [0.0, 1.0],
        "frames": {"train": 4, "test": 2},
        "confusion": [[1, 0], [0, 1]],
        "regulariser": 0.1,
        "protocol": "linear",
        "resamples": {"f1": [f1 - 0.1, f1 + 0.1]},
        "knn": {"f1": f1, "k": 5},
        **more,
    }


def test_numbers_are_means_and_counts_are_sums() -> None:
    found = over_folds([fold(0.25), fold(0.75)])
    assert found["f1"] == 0.5
    assert found["knn"] == {"f1": 0.5}
    assert found["frames"] == {"train": 8, "test": 4}
    assert found["confusion"] == [[2, 0], [0, 2]]
    assert found["protocol"] == "linear"
    assert "regulariser" not in found
    assert [one["f1"] for one in found["folds"]] == [0.25, 0.75]
    assert found["folds"][0]["regulariser"] == 0.1


def test_the_interval_is_that_of_the_mean() -> None:
    found = over_folds([fold(0.25), fold(0.75)])
    low, high = found["f1_ci"]
    assert 0.4 <= low < high <= 0.6


def test_what_does_not_agree_is_left_out() -> None:
    found = over_folds([fold(0.5, chosen=[1, 2]), fold(0.5, chosen=[1], protocol="knn")])
    assert "chosen" not in found
    assert "protocol" not in found


def test_frames_left_out_of_some_folds_are_counted() -> None:
    found = over_folds([fold(0.5, unreadable={"train": 2}), fold(0.5, unreadable={"test": 2}), fold(0.5)])
    assert found["unreadable"] == {"train": 2, "test": 2}
