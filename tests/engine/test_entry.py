"""Runs that can't be opened, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssltoolbox.api import UserError
from ssltoolbox.engine.runs.folder import open_run


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        open_run(tmp_path)
    assert str(caught.value) == f"{tmp_path} is no run folder: it has no recipe.yaml"


def test_a_run_without_a_backbone(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").touch()
    with pytest.raises(UserError) as caught:
        open_run(tmp_path)
    assert str(caught.value) == (
        f"the run in {tmp_path} is not finished: it has no backbone.safetensors; go on with --resume"
    )
