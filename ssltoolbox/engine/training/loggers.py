"""Trackers beside metrics.csv, through Lightning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytorch_lightning.loggers import MLFlowLogger, TensorBoardLogger, WandbLogger

from ssltoolbox.api import UserError
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.plan import Plan

BUILDERS: dict[str, Callable[[Plan, RunFolder], Any]] = {
    "tensorboard": lambda plan, folder: TensorBoardLogger(folder.path, name="tensorboard", version=""),
    "wandb": lambda plan, folder: WandbLogger(
        project="ssltoolbox", name=plan.recipe.name, save_dir=folder.path
    ),
    "mlflow": lambda plan, folder: MLFlowLogger(experiment_name="ssltoolbox", run_name=plan.recipe.name),
}
PACKAGES = {"tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow"}


def build_loggers(plan: Plan, folder: RunFolder) -> list[Any]:
    """The trackers that the recipe names.

    Raises:
        UserError: when a tracker's package is not installed.
    """
    built = []
    for name in plan.recipe.trainer.loggers:
        try:
            built.append(BUILDERS[name](plan, folder))
        except ModuleNotFoundError as error:
            raise UserError(
                f"trainer.loggers names {name}, which is not installed", f"pip install {PACKAGES[name]}"
            ) from error
    return built
