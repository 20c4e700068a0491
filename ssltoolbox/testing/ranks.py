"""The rule for methods on several processes: two, with half of the draws each, equal one with all of them."""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from pickle import PicklingError
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.distributed

from ssltoolbox.testing.method_trial import has_negatives
from ssltoolbox.testing.rank import (
    FAULT,
    NO_GRADIENTS,
    OUTCOME,
    PATIENCE,
    RANKS,
    StepResults,
    run_rank,
    take_steps,
)
from ssltoolbox.testing.rules import Complaint, NotTried, Subject, rule

RELATIVE, ABSOLUTE = 1e-3, 1e-5
"""How far gradients may differ, as shares of the gradient of a parameter and of that of all."""
GATHER = (
    "gather embeddings and their rows (`NTXentLoss(gather_distributed=context.distributed)`, "
    "`ssltoolbox.losses.gather_rows`), and average over the rows of each process"
)


@rule("two processes give the result of one", has_negatives)
def two_ranks(subject: Subject) -> Iterator[Complaint]:
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        raise NotTried
    alone = [take_steps(subject, masked) for masked in (False, True)]
    # Random numbers of a method differ between one process and two.
    if alone[0].losses != take_steps(subject, masked=False, seed=99).losses:
        raise NotTried
    together = _together(subject)
    if isinstance(together, str):
        yield Complaint("fault", f"`{subject.name}` on two processes {together}")
        return
    for masked, one, two in zip(("", " with a masker"), alone, together, strict=True):
        if difference := _difference(one, two):
            yield Complaint(difference, f"`{subject.name}` on two processes{masked} {difference}")


def _difference(one: StepResults, two: StepResults) -> str:
    """What differs between one process and two, and what to do; empty if nothing does."""
    for step, (alone, together) in enumerate(zip(one.losses, two.losses, strict=True), start=1):
        if abs(alone - together) > RELATIVE * abs(alone) + ABSOLUTE:
            return f"has the loss {together:g} in step {step}, on one {alone:g}: {GATHER}"
    if other := sorted(one.gradients.keys() ^ two.gradients.keys()):
        return f"has not the same gradients as on one ({other[0]!r}): {GATHER}"
    whole = torch.stack([gradient.norm() for gradient in one.gradients.values()]).norm()
    for name, gradient in one.gradients.items():
        if (two.gradients[name] - gradient).norm() > RELATIVE * gradient.norm() + ABSOLUTE * whole:
            return (
                f"has another gradient of {name!r} than on one, although the loss is the same: gather with "
                "gradients, as `lightly.utils.dist.gather` does"
            )
    return ""


def _together(subject: Subject) -> list[StepResults] | str:
    """Results of two processes, without and with maskers, or the fault in them."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        codes = _run(subject, folder)
        if codes is None:
            return "wait for each other for ever: let every process make the same collective calls"
        if (folder / FAULT).exists():
            return f"raised {(folder / FAULT).read_text(encoding='utf-8')}"
        if min(codes) < 0:
            return f"are ended by signal {-min(codes)}"
        if any(codes):
            raise NotTried  # A process that was started anew can't import the plugin.
        outcomes: list[StepResults] = pickle.loads((folder / OUTCOME).read_bytes())
        return outcomes


def _run(subject: Subject, folder: Path) -> list[int] | None:
    """The processes' exit codes; None where they have not ended in time."""
    # A forked process has all modules imported; a process that uses a GPU can't be forked.
    if sys.platform == "linux" and not torch.cuda.is_initialized():
        codes = _run_by("fork", subject, folder)
        if codes is None or NO_GRADIENTS not in codes:
            return codes
    return _run_by("spawn", subject, folder)


def _run_by(start_method: str, subject: Subject, folder: Path) -> list[int] | None:
    start: Any = get_context(start_method)
    processes = [start.Process(target=run_rank, args=(subject, folder, rank)) for rank in range(RANKS)]
    try:
        with warnings.catch_warnings():
            # torch's threads are idle, and a copy of the process has but one.
            warnings.simplefilter("ignore", DeprecationWarning)
            for process in processes:
                process.start()
    except (PicklingError, AttributeError, TypeError) as error:
        raise NotTried from error
    for process in processes:
        process.join(2 * PATIENCE.total_seconds())
    ended = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
        process.join()
    return None if None in ended else [code for code in ended if code is not None]
