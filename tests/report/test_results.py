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
