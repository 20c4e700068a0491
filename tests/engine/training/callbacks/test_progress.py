"""What the progress line logs."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from rich.console import Console

from ssltoolbox.engine.training.callbacks.progress import ShowProgress


def logged(steps: int) -> dict[str, float]:
    """What is logged in so many steps, of which every second is a row of the log."""
    found: dict[str, float] = {}
    module = cast(Any, SimpleNamespace(log=lambda name, value: found.update({name: value})))
    trainer = cast(Any, SimpleNamespace(global_step=0, is_global_zero=True))
    progress = ShowProgress(
        Console(file=io.StringIO()), images=4, steps=9, steps_per_epoch=3, accumulate=1, log_steps=2
    )
    progress.on_train_start(trainer, module)
    for index in range(steps):
        trainer.global_step += 1
        progress.on_train_batch_end(trainer, module, {"loss": torch.tensor(1.0)}, None, index)
    return found


def test_no_rate_is_shown_before_it_is_known() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    trainer = cast(Any, SimpleNamespace(global_step=0, is_global_zero=True))
    module = cast(Any, SimpleNamespace(log=lambda name, value: None))
    progress = ShowProgress(console, images=4, steps=1, steps_per_epoch=1, accumulate=1, log_steps=1)
    progress.on_train_start(trainer, module)
    trainer.global_step = 1
    progress.on_train_batch_end(trainer, module, {"loss": torch.tensor(1.0)}, None, 0)
    progress.on_train_end(trainer, module)
    said = cast(io.StringIO, console.file).getvalue()
    assert "loss 1.000  – images/s" in said
    assert " 0 images/s" not in said


def test_the_scores_of_the_last_probe_are_shown() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    trainer = cast(Any, SimpleNamespace(global_step=0, is_global_zero=True))
    module = cast(Any, SimpleNamespace(log=lambda name, value: None))
    progress = ShowProgress(console, 4, 1, 1, 1, 1, lambda: {"probe_expression_f1": 0.417})
    progress.on_train_start(trainer, module)
    trainer.global_step = 1
    progress.on_train_batch_end(trainer, module, {"loss": torch.tensor(1.0)}, None, 0)
    progress.on_train_end(trainer, module)
    assert "expression macro-F1 0.42" in cast(io.StringIO, console.file).getvalue()


def test_the_memory_of_a_gpu_is_logged_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "gpu_memory_gib" not in logged(steps=2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 3 * 2**29)
    assert logged(steps=1) == {}
    assert logged(steps=2) == {"gpu_memory_gib": 1.5}
