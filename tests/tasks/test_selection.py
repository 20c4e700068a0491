from collections.abc import Sequence

import numpy as np
import pytest

from ssltoolbox.tasks.metrics import accuracy
from ssltoolbox.tasks.samples import Samples
from ssltoolbox.tasks.selection import ProbeResult, best, by_protocol, choose_on_val


def constant_probe(train: Samples, queries: np.ndarray, settings: Sequence[int]) -> dict[int, np.ndarray]:
    return {setting: np.full(len(queries), setting) for setting in settings}


def samples(*targets: int) -> Samples:
    return Samples(np.zeros((len(targets), 2)), np.array(targets), identity=np.zeros(len(targets), int))


def test_val_chooses_even_where_test_would_choose_otherwise() -> None:
    splits = {"train": samples(0), "val": samples(2, 2, 1), "test": samples(1, 1)}
    outcome = choose_on_val(constant_probe, splits, (1, 2, 3), accuracy)
    assert (outcome.setting, outcome.score) == (2, pytest.approx(2 / 3))
    assert outcome.predicted.tolist() == [2, 2]


def test_the_first_of_equals_is_chosen() -> None:
    truth = np.array([1, 2])
    assert best({3: np.array([1, 0]), 1: np.array([0, 2]), 2: np.array([0, 0])}, truth, accuracy) == (3, 0.5)


def test_a_linear_probe_has_the_neighbours_beside_it() -> None:
    line, nearest = ProbeResult(0.1, 0.6, np.array([1])), ProbeResult(5, 0.5, np.array([2]))
    metrics, probe = by_protocol(
        "linear", lambda: line, lambda: nearest, lambda found: {"sum": int(found.sum())}
    )
    assert metrics == {
        "sum": 1,
        "protocol": "linear",
        "regulariser": 0.1,
        "val": 0.6,
        "knn": {"sum": 2, "k": 5, "val": 0.5},
    }
    assert probe is line


def test_the_neighbours_alone_train_nothing() -> None:
    def never() -> ProbeResult:
        pytest.fail("a linear probe was trained")

    nearest = ProbeResult(5, 0.5, np.array([2]))
    metrics, probe = by_protocol("knn", never, lambda: nearest, lambda found: {"sum": int(found.sum())})
    assert metrics == {"sum": 2, "protocol": "knn", "k": 5, "val": 0.5}
    assert probe is nearest
    assert probe.model is None
