"""Fixtures of all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.golden import GoldenTexts

HERE = Path(__file__).parent


@pytest.fixture
def golden(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> GoldenTexts:
    """Compares texts with those in `tests/golden/wording`; `--update-golden` writes them anew."""
    module = request.path.relative_to(HERE)
    update: bool = request.config.getoption("update_golden")
    name = request.node.nodeid.partition("::")[2]
    return GoldenTexts(module, name, tmp_path_factory.getbasetemp(), update)
