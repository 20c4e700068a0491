"""A run folder of plain files."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.reports import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)
