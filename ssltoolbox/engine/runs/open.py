"""A finished run, opened by its folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ssltoolbox.api import UserError
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.plan import Plan, load_plan
from ssltoolbox.recipe import Override


def open_run(path: Path, overrides: Sequence[str | Override] = ()) -> tuple[RunFolder, Plan]:
    """A finished run's folder, and the plan that it was made from.

    Raises:
        UserError: when there is no finished run.
    """
    folder = RunFolder(path)
    if not folder.recipe.is_file():
        raise UserError(f"{path} is no run folder: it has no recipe.yaml")
    if not folder.backbone.is_file():
        raise UserError(
            f"the run in {path} is not finished: it has no backbone.safetensors", "go on with --resume"
        )
    return folder, load_plan(folder.recipe, overrides, data_needed=False)
