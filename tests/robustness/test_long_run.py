"""Over many steps neither memory, nor file handles, nor the time of a step grow."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import run_tiny, write_recipe
from pytorch_lightning.callbacks import Callback

from ssltoolbox.engine.training import run as train

STEPS, MANY_STEPS = 400, 20_000
MOST_GROWTH = 32 * 2**20
"""Bytes: allocators keep some; a leak of one batch a step would be 100 MB in 400 steps."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there is no /proc to look at"),
]


class Gauge(Callback):
    """Looks at this process every hundredth of the run."""

    def __init__(self, steps: int) -> None:
        self.every = steps // 100
        self.memory: list[int] = []
        self.files: list[int] = []
        self.seconds: list[float] = []
        self._since = time.process_time()

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        """Resident bytes, open files, and the processor's seconds since the last look."""
        if trainer.global_step % self.every == 0:
            now = time.process_time()
            self.memory.append(
                int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            )
            self.files.append(len(os.listdir("/proc/self/fd")))
            self.seconds.append(now - self._since)
            self._since = now


def test_a_long_run(
    tmp_path: Path, much: bool, count: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = MANY_STEPS if much else STEPS
    gauge = Gauge(steps)
    build = train.build_trainer
    monkeypatch.setattr(
        train,
        "build_trainer",
        lambda plan, world, folder, callbacks, *rest: build(plan, world, folder, [*callbacks, gauge], *rest),
    )
    run_tiny(
        write_recipe(tmp_path),
        tmp_path / "run",
        f"trainer.steps={steps}",
        "trainer.log_steps=10",
        "trainer.checkpoint_steps=100",
        "maskers=[{name: mask_fn, descriptor: geometry}]",
    )
    assert len(gauge.memory) == 100
    early, late = slice(20, 40), slice(80, 100)
    growth = statistics.median(gauge.memory[late]) - statistics.median(gauge.memory[early])
    files = max(gauge.files[late]) - max(gauge.files[early])
    slower = statistics.median(gauge.seconds[late]) / statistics.median(gauge.seconds[early])
    count(
        f"{steps} steps: memory {growth / 2**20:+.1f} MiB, {files:+d} open files, time of a step × {slower:.2f} "
        "from the second fifth to the last"
    )
    assert growth < MOST_GROWTH
    assert files <= 0
    assert slower < 1.3
