"""The Python entry: what the command line does, as functions that raise the same errors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from ssltoolbox.api import UserError
from ssltoolbox.engine.build import Parts
from ssltoolbox.engine.run_folder import RunFolder
from ssltoolbox.engine.train import Run
from ssltoolbox.engine.train import train as train_plan
from ssltoolbox.models import load_weights
from ssltoolbox.plan import Plan, load_plan, plan_of
from ssltoolbox.recipe import Override, Recipe


def train(
    recipe: Recipe | Path | str,
    overrides: Sequence[str] = (),
    out: Path | str | None = None,
    resume: bool = False,
) -> Run:
    """Trains and evaluates what a recipe says.

    Args:
        recipe: the recipe, or its file.
        overrides: as for `--set`, such as `"optim.lr=0.01"`.
        out: the run folder; `runs/<name>/<date-time>` if not given.
        resume: go on with the run in `out`.

    Raises:
        UserError: when the recipe, its data or the folder is wrong; `RecipeError` has the places.
        SslToolboxError: when the run fails.
    """
    plan = plan_of(recipe, overrides) if isinstance(recipe, Recipe) else load_plan(recipe, overrides)
    return train_plan(plan, Path(out) if out else None, resume)


def load_backbone(run: Path | str) -> nn.Module:
    """The trained backbone of a run, in evaluation mode: [B, 3, size, size], normalised → [B, features].

    Raises:
        UserError: when there is no finished run.
    """
    folder, plan = open_run(Path(run))
    backbone = Parts(plan).backbone()
    load_weights(backbone, folder.backbone)
    return backbone.eval()


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
