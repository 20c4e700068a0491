"""The trackers, by Lightning's loggers."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping

from pytorch_lightning.loggers import MLFlowLogger, TensorBoardLogger, WandbLogger

from ssltoolbox.api import Ending, Options, RunSetting
from ssltoolbox.trackers.plugin import ProjectOptions

TRACKING_URI = "MLFLOW_TRACKING_URI"


class TensorBoard(TensorBoardLogger):
    """Writes event files into the run folder."""

    def __init__(self, options: Options, setting: RunSetting) -> None:
        super().__init__(setting.folder, name="tensorboard", version="")

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Writes them at once, so that a killed run keeps them."""
        super().log_metrics(dict(metrics), step)
        self.experiment.flush()

    def close(self, ending: Ending) -> None:
        """Writes what is left."""
        self.experiment.close()


class Wandb(WandbLogger):
    """Sends to Weights & Biases; a resumed run continues under its id."""

    def __init__(self, options: ProjectOptions, setting: RunSetting) -> None:
        self.run_id = setting.run_id or uuid.uuid4().hex[:8]
        # Of a killed run W&B loses what it has not written: the last 15 seconds, unless told otherwise.
        os.environ.setdefault("WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL", "1")
        super().__init__(
            project=options.project,
            name=setting.name,
            id=self.run_id,
            resume="allow",
            save_dir=setting.folder,
        )
        self._run = self.experiment

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Without a step W&B counts from 0, again in each part of a run that is resumed offline."""
        self._run.log(dict(metrics), step=step, commit=True)

    def close(self, ending: Ending) -> None:
        """Marks the run."""
        self._run.finish(exit_code=int(ending != "finished"))


class MLflow(MLFlowLogger):
    """Sends to MLflow; a resumed run continues under its id."""

    def __init__(self, options: ProjectOptions, setting: RunSetting) -> None:
        users = os.environ.get(TRACKING_URI)
        super().__init__(
            experiment_name=options.project,
            run_name=setting.name,
            # MLflow 3 no longer keeps runs in plain files.
            tracking_uri=users or f"sqlite:///{setting.folder / 'mlflow.db'}",
            artifact_location=(setting.folder / "mlflow").as_uri(),
            run_id=setting.run_id,
        )
        self.experiment.update_run(self.run_id, status="RUNNING")
        if not users:
            # MLflow sets it to what it is given, and the next run of this process would go there too.
            os.environ.pop(TRACKING_URI, None)

    def close(self, ending: Ending) -> None:
        """Marks the run."""
        status = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
        self.experiment.set_terminated(self.run_id, status[ending])
