"""dlib and its model, installed for the tests that need them as the extra `[dlib]` names them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the extra installs."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    folder = tmp_path_factory.mktemp("dlib")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *extras["dlib"]]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if "NewConnectionError" in result.stderr or "name resolution" in result.stderr:
        pytest.skip("the package registry can't be reached")
    assert result.returncode == 0, result.stderr
    return folder
