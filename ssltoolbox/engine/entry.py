"""The Python functions `train` and `load_…`. They raise the same errors as the commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from ssltoolbox.api import Callback, Logger
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.runs.folder import open_run
from ssltoolbox.engine.runs.headed import HeadedNetwork, headed_network
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
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger] = (),
) -> Run:
    """Trains and evaluates a recipe.

    Args:
        recipe: a recipe, a dict of its sections, a file, or the name of a recipe that comes with ssltoolbox.
        overrides: values as for `--set`, such as `"optim.lr=0.01"`.
        out: the run folder; by default `runs/<name>/<date-time>`.
        resume: True to continue the run in `out`, or to start it if there is none.
        callbacks: Lightning callbacks, in addition to those of the recipe; see `ssltoolbox.api.Callback`.
        loggers: loggers, in addition to those of the recipe; see `ssltoolbox.api.Logger`.

    Raises:
        UserError: if the recipe, its data or the folder is wrong; a `RecipeError` has the lines.
        SslToolboxError: if the run fails.
    """
    plan = load_plan(recipe, overrides) if isinstance(recipe, str | Path) else plan_of(recipe, overrides)
    return train_plan(plan, Path(out) if out else None, resume, callbacks=callbacks, loggers=loggers)


def load_backbone(run: Path | str) -> nn.Module:
    """The trained backbone of a run, in evaluation mode: [B, 3, size, size], normalised → [B, features].

    The features are those of the recipe's `backbone.layers`.

    Raises:
        UserError: if there is no finished run.
    """
    folder, plan = open_run(Path(run))
    return Components(plan).encoder(folder.backbone).eval()


def load_head(run: Path | str, task: str) -> HeadedNetwork:
    """The network of a run with the head that `evaluate` kept for a task, in evaluation mode.

    [B, 3, size, size], normalised → [B, C]: the probabilities and numbers that `columns` names. `view.plain` makes
    such images from [B, 3, S, S] uint8 RGB.

    Raises:
        UserError: if there is no finished run, or no such head.
    """
    return headed_network(Path(run), task)


def load_method(run: Path | str) -> nn.Module:
    """The trained method of a run, in evaluation mode: its backbone, heads, decoders and momentum networks.

    Its weights are those after the last step. It does not contain auxiliary losses.

    Raises:
        UserError: if there is no finished run, if the run trained nothing, if its checkpoint is missing or
            damaged, or if the method's code has other weights than the checkpoint.
    """
    return trained_method(Path(run))
