"""The rows of the results, and claims that follow from intervals."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.golden import Golden

from ssltoolbox.api import Metric
from ssltoolbox.report.results import Result, claim, notes_on, results_of, trained_for

F1 = Metric(key="f1", label="macro-F1", better="higher", phrase="tell expressions apart with")
CCC = Metric(key="ccc", label="CCC", better="higher", phrase="follow valence with")
ERROR = Metric(key="mean_error", better="lower", unit="°", phrase="turn with the head by")
IDENTITY = Metric(key="accuracy", better="lower", phrase="tell people apart with", versus_untrained=False)
UNKNOWN = Metric(key="rmse", better=None)


def result(metric: Metric, trained: float, random: float | None = None, *difference: float) -> Result:
    return Result("task", metric, trained, random, difference=difference or None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("of", "verdict"),
    [
        (result(F1, 0.29, 0.13, 0.1, 0.2), "better"),
        (result(F1, 0.1, 0.13, -0.05, -0.01), "worse"),
        (result(F1, 0.16, 0.152, -0.04, 0.06), "unclear"),
        (result(F1, 0.16, 0.152), None),
        (result(ERROR, 3.0, 5.0, -3.0, -1.0), "better"),
        (result(ERROR, 6.0, 5.0, 0.5, 1.5), "worse"),
        (result(IDENTITY, 0.48, 0.19, 0.2, 0.4), None),
        (result(UNKNOWN, 0.48, 0.19, 0.2, 0.4), None),
    ],
)
def test_a_verdict_follows_from_the_interval_of_the_difference(of: Result, verdict: str | None) -> None:
    assert of.verdict == verdict


@pytest.mark.parametrize(
    ("first", "claimed", "said"),
    [
        (result(F1, 0.2853, 0.1299, 0.1, 0.21), True, ["macro-F1 0.29", "0.13", "+0.10 to +0.21"]),
        (
            result(F1, 0.16, 0.152, -0.04, 0.06),
            False,
            ["0.16", "0.15", "The difference is not clear", "-0.04 to +0.06"],
        ),
        (result(F1, 0.10, 0.13, -0.05, -0.01), False, ["0.10", "0.13", "worse"]),
        (result(F1, 0.285, 0.13), False, ["0.28", "0.13", "may be chance"]),
        (result(CCC, 0.123, 0.118, 0.001, 0.01), True, ["0.123", "0.118"]),
        (result(CCC, -0.001, -0.016, 0.001, 0.02), True, ["CCC 0.00", "-0.02"]),
        (result(ERROR, 3.0, 5.0, -3.0, -1.0), True, ["mean error 3.00°", "5.00°"]),
        (result(UNKNOWN, 3.0, 4.0, -2.0, -0.5), False, ["rmse 3.00", "4.00"]),
        (result(F1, 0.5), False, ["0.50"]),
    ],
)
def test_a_claim_needs_a_clear_difference(first: Result, claimed: bool, said: list[str]) -> None:
    text = claim("After 1,200 steps", [first, result(CCC, 0.9, 0.0, 0.8, 1.0)])
    assert text.startswith("After 1,200 steps ")
    assert "frozen" in text
    assert bool(first.metric.phrase and first.metric.phrase in text) == claimed
    assert ("in the task task" in text) != claimed
    assert all(part in text for part in said), text


def test_the_claim_is_of_what_was_learned_not_of_identity() -> None:
    """Whatever the order of the tasks in the recipe."""
    identity, f1 = result(IDENTITY, 0.48, 0.19, 0.2, 0.4), result(F1, 0.29, 0.13, 0.1, 0.2)
    assert claim("After 5 steps", [identity, f1]) == claim("After 5 steps", [f1])
    assert "0.48, versus 0.19" in claim("After 5 steps", [identity])


def test_nothing_that_is_neither_better_nor_worse_is_called_so() -> None:
    text = claim("After 5 steps", [result(IDENTITY, 0.48, 0.19, 0.2, 0.4)])
    assert not any(word in text for word in ("worse", "better", "clear", "chance"))
    assert result(IDENTITY, 0.48, 0.19).arrow == ""


def test_the_claim_without_tasks_is_that_nothing_was_evaluated() -> None:
    assert "nothing was evaluated" in claim("After 1,200 steps", [])


@pytest.mark.parametrize(
    ("recipe", "trains"),
    [
        ({"backbone": {}, "trainer": {"steps": 5}}, False),
        ({"backbone": {"weights": "imagenet"}}, False),
        ({"trainer": {"steps": None, "epochs": 30}}, True),
        ({"trainer": {"steps": 1, "epochs": None}}, True),
        ({"trainer": {"steps": 1200, "epochs": None}}, True),
    ],
)
def test_a_claim_begins_with_the_length_of_the_training(
    recipe: dict[str, Any], trains: bool, golden: Golden
) -> None:
    golden(trained_for(recipe, trains))


DECLARED = {"key": "f1", "label": "macro-F1", "better": "higher"}
POSE = {"key": "error", "better": "lower", "title": "pose of the head", "unit": "°", "chance": "guess"}


def test_rows_are_the_declared_metrics() -> None:
    evaluation = {
        "expression": {"f1": 0.3, "accuracy": 0.4, "chance": 0.125, "metrics": [DECLARED]},
        "pose": {"error": 3.5, "guess": 90.0, "metrics": [POSE, {"key": "lost", "better": "lower"}]},
        "random": {"expression": {"f1": 0.1}},
    }
    f1, error = results_of(evaluation)
    assert (f1.task, f1.metric_label, f1.arrow, f1.trained, f1.random) == (
        "expression",
        "macro-F1",
        "↑",
        0.3,
        0.1,
    )
    assert (error.name, error.arrow, error.chance) == ("pose of the head", "↓", 90.0)
    assert (error.text(error.trained), error.text(error.random)) == ("3.500°", "–")
    assert results_of({}) == []


def test_of_a_task_that_declares_nothing_all_numbers_are_shown_and_nothing_is_claimed() -> None:
    numbers = {"rmse": 0.21, "rmse_ci": [0.2, 0.22], "protocol": "mine", "frames": {"test": 9}, "seed": 3}
    (row,) = results_of({"pose": numbers, "random": {"pose": {"rmse": 0.5, "rmse_ci": [0.4, 0.6]}}})
    assert (row.metric_label, row.arrow, row.verdict, row.interval) == ("rmse", "", None, (0.2, 0.22))
    text = claim("After 5 steps", [row])
    assert not any(word in text for word in ("better", "worse", "chance"))


def test_metrics_of_a_newer_version_are_read_as_far_as_they_are_known() -> None:
    (row,) = results_of({"expression": {"f1": 0.3, "metrics": [DECLARED | {"colour": "red"}]}})
    assert row.metric == Metric(key="f1", label="macro-F1", better="higher")


@pytest.mark.parametrize(
    ("own", "others", "difference", "verdict"),
    [
        ([0.25, 0.35], [0.1, 0.2], (0.05, 0.25), "better"),
        ([0.097, 0.207], [0.11, 0.19], (-0.093, 0.097), "unclear"),
    ],
)
def test_intervals_that_overlap_leave_a_difference_unclear(
    own: list[float], others: list[float], difference: tuple[float, float], verdict: str
) -> None:
    """Where the resamples could not be paired."""
    numbers = {"f1": 0.3, "f1_ci": own, "metrics": [DECLARED]}
    (row,) = results_of({"expression": numbers, "random": {"expression": {"f1": 0.15, "f1_ci": others}}})
    assert row.difference == pytest.approx(difference)
    assert row.verdict == verdict


def test_the_paired_interval_wins() -> None:
    numbers = {"f1": 0.3, "f1_ci": [0.1, 0.4], "difference": {"f1": [0.14, 0.16]}, "metrics": [DECLARED]}
    (row,) = results_of({"expression": numbers, "random": {"expression": {"f1": 0.15, "f1_ci": [0.05, 0.3]}}})
    assert row.difference == (0.14, 0.16)


def test_the_label_of_a_result_has_protocol_and_data(golden: Golden) -> None:
    evaluation = {
        "expression": {"f1": 0.3, "f1_ci": [0.25, 0.35], "protocol": "linear", "metrics": [DECLARED]},
        "expression#2": {"f1": 0.6, "protocol": "finetune", "data": "affectnet", "metrics": [DECLARED]},
        "identity": {"f1": 0.5, "protocol": "knn", "metrics": [DECLARED | {"title": "people"}]},
        "verification": {"f1": 0.7, "protocol": "10 folds", "data": "lfw", "metrics": [DECLARED]},
        "random": {"expression#2": {"f1": 0.2}},
    }
    results = results_of(evaluation)
    golden("\n".join(result.label for result in results))
    assert [result.interval for result in results[:2]] == [(0.25, 0.35), None]
    assert results[1].random == 0.2


def test_the_claim_of_a_fine_tuned_network_names_fine_tuned_features() -> None:
    (row,) = results_of({"expression": {"f1": 0.6, "protocol": "finetune", "metrics": [DECLARED]}})
    assert "fine-tuned" in claim("After 5 steps", [row])


def test_notes_name_the_results_that_they_belong_to(golden: Golden) -> None:
    limited = {"train": [4000, 23040], "test": [2000, 6144]}
    metrics = [DECLARED, {"key": "accuracy", "better": "lower", "note": "Read with care."}]
    evaluation = {
        "expression": {"f1": 0.3, "accuracy": 0.2, "limited": limited, "metrics": metrics},
        "pose": {
            "f1": 0.3,
            "limited": limited,
            "unreadable": {"train": 1200, "test": 3},
            "metrics": [DECLARED],
        },
        "age": {"f1": 0.3, "metrics": [DECLARED]},
    }
    golden("\n".join(notes_on(evaluation)))


def test_the_scores_by_neighbours_are_results_where_they_are_asked_for() -> None:
    """They have their own intervals and untrained network, and no difference of the linear probe's."""
    f1 = {"key": "f1", "better": "higher", "label": "macro-F1", "chance": "chance"}
    linear = {"f1": 0.4, "f1_ci": [0.3, 0.5], "chance": 0.2, "protocol": "linear", "metrics": [f1]}
    evaluation = {
        "mood": {
            **linear,
            "knn": {"f1": 0.6, "f1_ci": [0.5, 0.7]},
            "data": "own",
            "difference": {"f1": [0, 0.1]},
        },
        "random": {"mood": {"f1": 0.3, "knn": {"f1": 0.2, "f1_ci": [0.1, 0.3]}}},
    }
    (alone,) = results_of(evaluation)
    first, second = results_of(evaluation, neighbours=True)
    assert first == alone
    assert second.label == "mood (by neighbours on own)"
    assert (second.trained, second.random, second.chance) == (0.6, 0.2, 0.2)
    assert second.interval == (0.5, 0.7)
    assert second.difference == pytest.approx((0.2, 0.6))


def test_a_metric_that_neighbours_do_not_give_is_not_theirs() -> None:
    metrics = [{"key": "f1", "better": "higher"}, {"key": "accuracy", "better": "higher"}]
    evaluation = {"mood": {"f1": 0.4, "accuracy": 0.5, "metrics": metrics, "knn": {"f1": 0.3}}}
    assert [result.trained for result in results_of(evaluation, neighbours=True)] == [0.4, 0.5, 0.3]
