"""The built-in loggers: their options, and the door that they come in by."""

from __future__ import annotations

from collections.abc import Iterator

from ssltoolbox.api import Descriptor, Options, hookimpl


class ProjectOptions(Options):
    """Where the run appears in the tracker."""

    project: str = "ssltoolbox"
    """The project, or the experiment, of the run."""


@hookimpl
def ssltoolbox_loggers() -> Iterator[Descriptor]:
    at = "ssltoolbox.trackers.trackers"
    yield Descriptor(
        name="tensorboard",
        summary="Event files for TensorBoard, in the run folder.",
        target=f"{at}:TensorBoard",
        api=2,
    )
    yield Descriptor(
        name="wandb", summary="Weights & Biases.", options=ProjectOptions, target=f"{at}:Wandb", api=2
    )
    yield Descriptor(
        name="mlflow",
        summary="MLflow, at MLFLOW_TRACKING_URI or in a file of the run folder.",
        options=ProjectOptions,
        target=f"{at}:MLflow",
        api=2,
    )
