"""A callback, as a plugin in a file, that records the CPU time at the first step and at the end of training."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

from ssltoolbox.api import Callback, Descriptor, Options, RunSetting, hookimpl

FILE = "SSLTOOLBOX_MARKS"
"""The environment variable with the path of the file that it writes."""


@hookimpl
def ssltoolbox_callbacks() -> Iterator[Descriptor]:
    yield Descriptor(
        name="marks", summary="Notes CPU times.", options=Options, target=f"{__name__}:marks", api=2
    )


def marks(options: Options, setting: RunSetting) -> Callback:
    """The callback; Lightning is imported here, as a plugin in a file is imported before the recipe is read."""
    import pytorch_lightning as pl

    class Marks(pl.Callback):
        def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, index: int) -> None:
            self.started = time.process_time()

        def on_train_end(self, trainer: Any, module: Any) -> None:
            with open(os.environ[FILE], "w") as file:
                json.dump({"first step": self.started, "trained": time.process_time()}, file)

    return Marks()
