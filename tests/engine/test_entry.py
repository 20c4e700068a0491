"""Runs that can't be opened, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.golden import Golden

from ssltoolbox.api import UserError
from ssltoolbox.engine.runs.folder import open_run


def test_a_folder_that_is_no_run(tmp_path: Path, golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        open_run(tmp_path)
    golden(str(caught.value))


def test_a_run_without_a_backbone(tmp_path: Path, golden: Golden) -> None:
    (tmp_path / "recipe.yaml").touch()
    with pytest.raises(UserError) as caught:
        open_run(tmp_path)
    golden(str(caught.value))
