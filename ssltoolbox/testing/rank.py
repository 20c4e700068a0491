"""One process of the test on several processes."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from ssltoolbox.testing.faults import fault_of
from ssltoolbox.testing.method_trial import DRAWS, EVERY, MethodTrial, weighs_negatives
from ssltoolbox.testing.rules import Subject

RANKS, STEPS = 2, 2
PATIENCE = timedelta(minutes=1)
"""How long the processes wait for each other."""
NO_GRADIENTS = 3
"""Exit code of a forked process that can't compute gradients, because its parent's autograd has threads."""
OUTCOME, FAULT = "outcome", "fault"
"""Files in the folder: the results without and with maskers; the exception of the first process that failed."""


@dataclass(frozen=True, eq=False)
class StepResults:
    """Results of some steps, as means over the processes.

    Attributes:
        losses: of the steps.
        gradients: name → the gradient after all steps.
    """

    losses: tuple[float, ...]
    gradients: dict[str, Tensor]


def take_steps(
    subject: Subject,
    masked: bool,
    *,
    share: slice = EVERY,
    mean: Callable[[Tensor], Tensor] = lambda value: value,
    seed: int = 10,
) -> StepResults:
    """Takes steps without batch statistics, since each process has its own.

    Args:
        subject: the method.
        masked: whether there are maskers.
        share: the draws of this process, if there are others.
        mean: over the processes.
        seed: of what the method draws at random.
    """
    trial = MethodTrial(subject, masked=masked, share=share)
    trial.without_batch_statistics()
    weight = 3.0 if weighs_negatives(subject) else None
    losses = []
    for step in range(STEPS):
        loss = trial.give(trial.input(step, weight), seed).loss.sum()
        loss.backward()
        losses.append(float(mean(loss.detach())))
    gradients = {name: mean(p.grad) for name, p in trial.learning() if p.grad is not None}
    return StepResults(tuple(losses), gradients)


def _mean_over_processes(value: Tensor) -> Tensor:
    value = value.clone()
    dist.all_reduce(value)
    return value / RANKS


def run_rank(subject: Subject, folder: Path, rank: int) -> None:
    """Takes the steps with this process's share of the draws, and writes the results."""
    torch.set_num_threads(1)
    if not _computes_gradients():
        os._exit(NO_GRADIENTS)
    init = f"file://{folder}/rendezvous"
    dist.init_process_group("gloo", init_method=init, rank=rank, world_size=RANKS, timeout=PATIENCE)
    share = slice(rank * DRAWS // RANKS, (rank + 1) * DRAWS // RANKS)
    try:
        outcomes = [
            take_steps(subject, masked, share=share, mean=_mean_over_processes) for masked in (False, True)
        ]
    except Exception as error:
        with suppress(FileExistsError), open(folder / FAULT, "x", encoding="utf-8") as file:
            file.write(str(fault_of(error, subject.target)))
        os._exit(1)  # The other process may wait in a collective call, which this one would join.
    if rank == 0:
        (folder / OUTCOME).write_bytes(pickle.dumps(outcomes))
    os._exit(0)  # Older versions of torch may wait for ever in `destroy_process_group` of a copied process.


def _computes_gradients() -> bool:
    try:
        torch.ones(1, requires_grad=True).sum().backward()
    except RuntimeError:
        return False
    return True
