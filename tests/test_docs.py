"""The documentation builds without a warning, and every public name of the API is on its page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import ssltoolbox.api as api

pytest.importorskip("mkdocs")
pytest.importorskip("mkdocstrings")
ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_pages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "api" / "index.html").read_text()
    assert [name for name in api.__all__ if f">{name}<" not in page and f".{name}" not in page] == []
    assert "check_plugin" in (tmp_path / "testing" / "index.html").read_text()
    assert "ssltoolbox bench grid.yaml" in (tmp_path / "cookbook" / "index.html").read_text()
