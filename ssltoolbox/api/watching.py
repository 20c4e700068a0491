"""The contracts of callbacks and loggers. A target is called as `Target(options, setting)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Ending = Literal["finished", "interrupted", "failed"]
"""How the training of a run ends."""


@dataclass(frozen=True)
class RunSetting:
    """The run that a callback or a logger is for.

    Attributes:
        name: the recipe's name.
        folder: the run folder; files may be written there.
        steps: optimiser steps of the whole run.
        recipe: the resolved recipe as plain data.
        run_id: the `run_id` that the logger had when the run began, if the run is resumed; else None.
    """

    name: str
    folder: Path
    steps: int
    recipe: Mapping[str, Any] = field(default_factory=dict, hash=False)
    run_id: str | None = None


class Callback(Protocol):
    """A `pytorch_lightning.Callback`: it is called at the events of training, in every process.

    The method is `method` of the module that is trained. The outputs of a step are a dictionary with `loss`,
    `embeddings`, `rows` and `counts`. State that the callback needs after a resume goes into its `state_dict()`.

    Examples:
        >>> from pathlib import Path
        >>> from pytorch_lightning import Callback
        >>> from ssltoolbox.api import Options, RunSetting
        >>> class Counts(Callback):
        ...     def __init__(self, options, setting):
        ...         self.steps = 0
        ...     def on_train_batch_end(self, trainer, module, outputs, batch, index):
        ...         self.steps += 1
        >>> Counts(Options(), RunSetting("tiny", Path("runs/tiny"), steps=10)).steps
        0
    """

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Called before training begins."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The state for the checkpoint; after a resume, `load_state_dict` gets it."""
        ...


class Logger(Protocol):
    """Gets the metrics of a run, in the first process only. `metrics.csv` is always written as well.

    If a logger fails during training, the run continues without it. A logger may have an attribute `run_id`, a
    text: when the run is resumed, it is in the logger's setting. A logger may have a method `close(ending)`: it is
    called at the end, with an `Ending`. Lightning's own loggers work too.

    Examples:
        >>> from pathlib import Path
        >>> from ssltoolbox.api import Options, RunSetting
        >>> class Last:
        ...     def __init__(self, options, setting):
        ...         self.metrics = {}
        ...     def log_hyperparams(self, params):
        ...         pass
        ...     def log_metrics(self, metrics, step):
        ...         self.metrics = metrics
        >>> logger = Last(Options(), RunSetting("tiny", Path("runs/tiny"), steps=10))
        >>> logger.log_metrics({"loss": 0.5}, step=1)
        >>> logger.metrics
        {'loss': 0.5}
    """

    def log_hyperparams(self, params: Mapping[str, Any]) -> None:
        """Gets the recipe as plain data, once, when the run begins."""
        ...

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Gets the metrics of a step, once.

        Args:
            metrics: name → number.
            step: number of optimiser steps done.
        """
        ...
