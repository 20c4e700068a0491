"""The claim, word for word, and the rows of the table."""

import pytest

from ssltoolbox.report.results import Result, claim, results_of

SIMCLR = {"method": {"name": "simclr"}, "trainer": {"steps": 1200, "epochs": None}}


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (
            Result("expression", "f1", 0.2853, 0.1299),
            "After 1,200 steps the frozen features tell expressions apart with macro-F1 0.29, "
            "a random initialisation with 0.13.",
        ),
        (
            Result("expression", "f1", 0.12, 0.13),
            "After 1,200 steps the frozen features tell expressions apart with macro-F1 0.12, "
            "no better than a random initialisation with 0.13.",
        ),
        (
            Result("expression", "f1", 0.123, 0.118),
            "After 1,200 steps the frozen features tell expressions apart with macro-F1 0.123, "
            "a random initialisation with 0.118.",
        ),
        (
            Result("valence", "ccc", 0.1, -0.016),
            "After 1,200 steps the frozen features follow valence with CCC 0.10, "
            "a random initialisation with -0.02.",
        ),
        (
            Result("valence", "ccc", -0.001, -0.016),
            "After 1,200 steps the frozen features follow valence with CCC 0.00, "
            "a random initialisation with -0.02.",
        ),
        (
            Result("identity", "accuracy", 0.1, 0.2),
            "After 1,200 steps the frozen features tell people apart with accuracy 0.10, "
            "a random initialisation with 0.20.",
        ),
        (
            Result("head_pose", "mean_error", 3.0),
            "After 1,200 steps the frozen features have, in the task head pose, mean error 3.00.",
        ),
    ],
)
def test_claim(result, text):
    assert claim(SIMCLR, [result, Result("arousal", "ccc", 0.9, 0.0)]) == text


def test_claim_without_tasks():
    assert claim(SIMCLR, []) == "After 1,200 steps the run is complete; nothing was evaluated."


@pytest.mark.parametrize(
    ("recipe", "start"),
    [
        ({"method": {"name": "none"}, "backbone": {}, "trainer": {"steps": 5}}, "Without training the"),
        ({"method": {"name": "none"}, "backbone": {"weights": "imagenet"}}, "Without further training the"),
        ({"method": {"name": "byol"}, "trainer": {"steps": None, "epochs": 30}}, "After 30 epochs the"),
        ({"method": {"name": "byol"}, "trainer": {"steps": 1, "epochs": None}}, "After 1 step the"),
    ],
)
def test_how_long(recipe, start):
    assert claim(recipe, [Result("valence", "ccc", 0.5)]).startswith(start)


def test_rows():
    evaluation = {
        "expression": {"f1": 0.3, "accuracy": 0.4, "chance": 0.125, "knn": {"f1": 0.9}},
        "head_pose": {"mean_error": 3.5, "protocol": "linear", "frames": {"test": 9}},
        "random": {"expression": {"f1": 0.1}},
    }
    assert results_of(evaluation) == [
        Result("expression", "f1", 0.3, 0.1, None),
        Result("expression", "accuracy", 0.4, None, 0.125),
        Result("head_pose", "mean_error", 3.5, None, None),
    ]
    assert results_of({}) == []


def test_forgetting_and_errors_are_better_when_lower():
    assert Result("identity", "accuracy", 0.1).lower_is_better
    assert Result("arousal", "rmse", 0.1).lower_is_better
    assert not Result("expression", "accuracy", 0.1).lower_is_better


def test_how_it_was_measured_is_in_the_label():
    evaluation = {
        "expression": {"f1": 0.3, "accuracy": 0.3, "f1_ci": [0.25, 0.35], "protocol": "linear"},
        "expression#2": {"f1": 0.6, "protocol": "finetune", "data": "affectnet"},
        "identity": {"accuracy": 0.5, "protocol": "knn"},
        "verification": {"accuracy": 0.7, "auc": 0.8, "chance": 0.5, "protocol": "10 folds", "data": "lfw"},
        "random": {"expression#2": {"f1": 0.2}},
    }
    results = results_of(evaluation)
    assert [(result.label, result.measure_label, result.lower_is_better) for result in results] == [
        ("expression", "macro-F1", False),
        ("expression", "accuracy", False),
        ("expression, fine-tuned on affectnet", "macro-F1", False),
        ("identity left, by neighbours", "accuracy", True),
        ("verification, on lfw", "accuracy", True),
        ("verification, on lfw", "ROC area", True),
    ]
    assert [result.interval for result in results[:3]] == [(0.25, 0.35), None, None]
    assert results[2].random == 0.2


def test_the_claim_says_when_the_network_was_trained_on():
    (result,) = results_of({"expression": {"f1": 0.6, "protocol": "finetune"}})
    assert claim(SIMCLR, [result]) == (
        "After 1,200 steps the fine-tuned features tell expressions apart with macro-F1 0.60."
    )
