"""How much each test of robustness does, and what it counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

COUNTS = pytest.StashKey[list[str]]()


@pytest.fixture
def much(request: pytest.FixtureRequest) -> bool:
    """True where all of it is asked for: `make robustness`."""
    return bool(request.config.getoption("robustness"))


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Writes a line under the test's name at the end of pytest's output."""
    lines = request.config.stash.setdefault(COUNTS, [])
    return lambda text: lines.append(f"{request.node.name}: {text}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The counts of all tests."""
    if lines := config.stash.get(COUNTS, []):
        terminalreporter.section("what was counted")
        for line in lines:
            terminalreporter.write_line(line)
