"""The rate starts again in each cycle."""

import pytest
from ssltoolbox_warm_restarts import WarmRestartsOptions
from ssltoolbox_warm_restarts.schedule import WarmRestarts

from ssltoolbox.api import ScheduleSetting


def test_the_rate_restarts_in_each_cycle() -> None:
    schedule = WarmRestarts(WarmRestartsOptions(cycles=2), ScheduleSetting(steps=8))
    assert [schedule.factor(step) for step in (0, 2, 4, 6)] == pytest.approx([1.0, 0.5, 1.0, 0.5])
