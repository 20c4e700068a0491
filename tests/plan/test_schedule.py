"""The learning rate over time."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssltoolbox.api import Kind, ScheduleSetting
from ssltoolbox.plan import LearningRate, choose_one

CHOSEN = {
    name: choose_one(Kind.SCHEDULES, name) for name in ("cosine", "constant", "linear", "polynomial", "step")
}


def schedule_of(name: str, steps: int, warmup: int, fraction: float = 0.0) -> LearningRate:
    chosen = CHOSEN[name]
    setting = ScheduleSetting(steps - warmup, final_lr_fraction=fraction)
    return LearningRate(chosen.provided, chosen.options, setting, lr=1.0, warmup=warmup)


@st.composite
def schedules(draw: st.DrawFn, kind: Literal["cosine", "constant"] = "cosine") -> LearningRate:
    steps = draw(st.integers(1, 10_000))
    return schedule_of(kind, steps, draw(st.integers(0, steps)), draw(st.floats(0.0, 1.0)))


@given(schedules(), st.data())
def test_a_cosine_stays_between_its_ends(schedule: LearningRate, data: st.DataObject) -> None:
    step = data.draw(st.integers(schedule.warmup, schedule.steps))
    assert schedule.setting.final_lr_fraction - 1e-9 <= schedule.factor(step) <= 1 + 1e-9


@given(schedules(), st.data())
def test_a_cosine_never_rises_after_the_warm_up(schedule: LearningRate, data: st.DataObject) -> None:
    step = data.draw(st.integers(schedule.warmup, schedule.steps))
    assert schedule.factor(step + 1) <= schedule.factor(step) + 1e-12


@given(schedules())
def test_a_cosine_begins_at_the_highest_rate_and_ends_at_the_final_one(schedule: LearningRate) -> None:
    assert schedule.factor(schedule.warmup) == pytest.approx(1) or schedule.warmup == schedule.steps
    beyond = schedule.steps + (schedule.warmup == schedule.steps)
    assert schedule.factor(beyond) == pytest.approx(schedule.setting.final_lr_fraction, abs=1e-9)


@given(schedules(), st.data())
def test_the_warm_up_rises_by_equal_parts_to_the_highest_rate(
    schedule: LearningRate, data: st.DataObject
) -> None:
    step = data.draw(st.integers(0, schedule.warmup))
    if step < schedule.warmup:
        assert schedule.factor(step) == pytest.approx((step + 1) / schedule.warmup)
    assert schedule.warmup == 0 or schedule.factor(schedule.warmup - 1) == 1


@given(schedules("constant"), st.integers(0, 20_000))
def test_a_constant_rate_stays(schedule: LearningRate, beyond: int) -> None:
    assert schedule.factor(schedule.warmup + beyond) == 1


def test_a_run_that_is_all_warm_up() -> None:
    schedule = schedule_of("cosine", steps=4, warmup=4)
    assert [schedule.factor(step) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("name", "begin", "middle", "end"),
    [
        ("cosine", 1.0, 0.6, 0.2),
        ("linear", 1.0, 0.6, 0.2),
        ("polynomial", 1.0, 0.2 + 0.8 * 0.25, 0.2),
        ("constant", 1.0, 1.0, 1.0),
        ("step", 1.0, 1.0, 0.01),
    ],
)
def test_the_rate_at_its_begin_middle_and_end(name: str, begin: float, middle: float, end: float) -> None:
    schedule = schedule_of(name, steps=110, warmup=10, fraction=0.2)
    assert [schedule.factor(step) for step in (10, 60, 110)] == pytest.approx([begin, middle, end])
