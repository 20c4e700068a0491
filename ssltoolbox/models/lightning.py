"""Lightning without its log, and without warnings about what is intended here."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytorch_lightning import Callback, LightningModule

EXPECTED_WARNINGS = (
    # The loader starts where the run stands, so a checkpoint may lie anywhere.
    ".*checkpoint that ended before the epoch ended.*",
    # Frozen helpers, such as a masker's network.
    ".*module.s. in eval mode.*",
    # The cores are shared with torch on purpose.
    ".*does not have many workers.*",
    ".*smaller than the logging interval.*",
    ".*GPU available but not used.*",
    ".*The `srun` command is available.*",
    # Lightning's own use of torch.
    ".*LeafSpec.* is deprecated.*",
)
LIGHTNINGS_LOGGERS = ("pytorch_lightning", "lightning.pytorch", "lightning.fabric", "lightning_fabric")


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silences Lightning's log, and its warnings about what is intended here."""
    for name in LIGHTNINGS_LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        for message in EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        yield


def fit_on_cpu(
    module: LightningModule,
    batches: Callable[[int], Iterable[Any]],
    steps: int,
    callbacks: Sequence[Callback] = (),
    name: str = "",
) -> None:
    """Trains on a CPU, without checkpoints. See `ssltoolbox.api.tasks.Fit`."""
    from pytorch_lightning import Trainer

    with quiet_lightning():
        trainer = Trainer(
            accelerator="cpu",
            devices=1,
            max_steps=steps,
            callbacks=list(callbacks),
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, batches(0))
