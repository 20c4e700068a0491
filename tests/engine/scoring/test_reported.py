"""What evaluation.json says beside the metrics."""

from __future__ import annotations

from typing import Any

import pytest

from ssltoolbox.api import Descriptor, EvaluatorDescriptor, Metric
from ssltoolbox.engine.scoring.reported import reported

CARD: dict[str, Any] = {"summary": "A task.", "target": "a:B", "api": 1}
POSE = EvaluatorDescriptor(
    **CARD,
    name="pose",
    metrics=(
        Metric(key="error", better="lower", label="mean error", unit="°"),
        Metric(key="ccc", result="roll", better="higher"),
    ),
)


def test_each_result_has_the_metrics_that_its_task_declares() -> None:
    trained = {key: {"error": 3.0, "task": "pose#2"} for key in ("pose#2", "roll#2", "yaw#2")}
    found = reported(trained, {}, {"pose#2": POSE})
    error = {"key": "error", "better": "lower", "label": "mean error", "unit": "°", "versus_untrained": True}
    assert found["pose#2"]["metrics"] == [error]
    assert [metric["key"] for metric in found["roll#2"]["metrics"]] == ["ccc"]
    assert found["yaw#2"]["metrics"] == [error]


def test_a_task_of_api_1_declares_nothing() -> None:
    trained = {"pose": {"error": 3.0, "task": "pose"}}
    found = reported(trained, {"pose": {"error": 4.0}}, {"pose": Descriptor(**CARD, name="pose")})
    assert found == {**trained, "random": {"pose": {"error": 4.0}}}


def with_resamples(*values: float) -> dict[str, Any]:
    return {"error": 1.0, "task": "pose", "resamples": {"error": list(values)}}


def test_the_difference_is_paired_over_resamples() -> None:
    """Resamples vary by 5; in each of them the trained network is better by 1."""
    trained, random = with_resamples(1, 2, 4, 6), with_resamples(2, 3, 5, 7)
    found = reported({"pose": trained}, {"pose": random}, {"pose": POSE})
    assert found["pose"]["difference"] == {"error": pytest.approx([-1, -1])}
    assert "resamples" not in found["pose"]
    assert "resamples" not in found["random"]["pose"]


@pytest.mark.parametrize(
    "random", [{}, {"error": 1.0}, with_resamples(1, 2), with_resamples(1, 2, float("nan"))]
)
def test_other_resamples_give_no_difference(random: dict[str, Any]) -> None:
    found = reported({"pose": with_resamples(1, 2, 3)}, {"pose": random}, {"pose": POSE})
    assert "difference" not in found["pose"]
