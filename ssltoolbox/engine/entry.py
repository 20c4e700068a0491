"""The Python entry: what the command line does, as functions that raise the same errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.runs.folder import open_run
from ssltoolbox.engine.runs.trained import trained_method
from ssltoolbox.engine.training.run import Run
from ssltoolbox.engine.training.run import train as train_plan
from ssltoolbox.plan import load_plan, plan_of
from ssltoolbox.recipe import Recipe


def train(
    recipe: Recipe | Mapping[str, Any] | Path | str,
    overrides: Sequence[str] = (),
    out: Path | str | None = None,
    resume: bool = False,
) -> Run:
    """Trains and evaluates what a recipe says.

    Args:
        recipe: the recipe, a dict of its sections, its file, or the name of one that comes with the toolbox.
        overrides: as for `--set`, such as `"optim.lr=0.01"`.
        out: the run folder; `runs/<name>/<date-time>` if not given.
        resume: go on with the run in `out`.

    Raises:
        UserError: when the recipe, its data or the folder is wrong; `RecipeError` has the places.
        SslToolboxError: when the run fails.
    """
    plan = load_plan(recipe, overrides) if isinstance(recipe, str | Path) else plan_of(recipe, overrides)
    return train_plan(plan, Path(out) if out else None, resume)


def load_backbone(run: Path | str) -> nn.Module:
    """The trained backbone of a run, in evaluation mode: [B, 3, size, size], normalised → [B, features].

    Raises:
        UserError: when there is no finished run.
    """
    folder, plan = open_run(Path(run))
    return Components(plan).backbone(folder.backbone).eval()


def load_method(run: Path | str) -> nn.Module:
    """The trained method of a run, in evaluation mode: its backbone, heads, decoders and momentum networks.

    Its weights are those of the last checkpoint, as the last step has left them. Auxiliary losses are not in it.

    Raises:
        UserError: when there is no finished run, when it has trained nothing, when its checkpoint is missing or
            damaged, or when the method's code has other weights than the checkpoint.
    """
    return trained_method(Path(run))
