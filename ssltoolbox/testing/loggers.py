"""Rules for loggers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ssltoolbox.api import RunSetting, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.testing.rules import Breach, Complaint, Subject, rule

STEPS = 2
RECIPE = {"recipe": 1, "name": "trial", "optim": {"lr": 0.001, "betas": [0.9, 0.999]}, "losses": []}


def setting_for(folder: Path, run_id: str | None = None) -> RunSetting:
    """The setting of a short run, or of its second part."""
    return RunSetting(name="trial", folder=folder, steps=STEPS, recipe=RECIPE, run_id=run_id)


@rule("it accepts the recipe, metrics and the end of a run")
def takes_all(subject: Subject) -> None:
    with TemporaryDirectory() as folder:
        for ending in ("finished", "interrupted", "failed"):
            home = Path(folder, ending)
            home.mkdir()
            _whole_run(subject, setting_for(home), ending)


@rule("it continues a resumed run")
def resumes(subject: Subject) -> Iterator[Complaint]:
    with TemporaryDirectory() as folder:
        first = _whole_run(subject, setting_for(Path(folder)), "interrupted")
        run_id = getattr(first, "run_id", None)
        if run_id is None:
            return
        if not isinstance(run_id, str):
            yield Complaint("run_id", f"`{subject.name}.run_id` must be text, not {run_id!r}")
            return
        second = _whole_run(subject, setting_for(Path(folder), run_id), "finished")
        if second.run_id != run_id:
            yield Complaint(
                "resume",
                f"`{subject.name}` starts another run after a resume: use `setting.run_id` if it is not None",
            )


def make(subject: Subject) -> Any:
    """The logger or callback of a short run, closed; the run's folder is deleted.

    Raises:
        UserError: where it needs a package that is not installed.
    """
    with TemporaryDirectory() as folder:
        try:
            made = subject.make(setting_for(Path(folder)))
        except ModuleNotFoundError as error:
            raise UserError(f"its package is not installed: {error}", f"pip install {error.name}") from error
        # The first rule tells what is wrong with `close`.
        with suppress(Exception):
            getattr(made, "close", lambda ending: None)("interrupted")
        return made


RULES = (takes_all, resumes)


def _whole_run(subject: Subject, setting: RunSetting, ending: str) -> Any:
    made = subject.make(setting)
    calls = {
        "log_hyperparams": lambda: made.log_hyperparams(RECIPE),
        "log_metrics": lambda: [
            made.log_metrics({"loss": 1.5 / step, "lr": 1e-3}, step) for step in range(1, STEPS + 1)
        ],
        "close": lambda: made.close(ending) if hasattr(made, "close") else None,
    }
    for name, call in calls.items():
        try:
            call()
        except Exception as error:
            raise Breach(
                f"`{subject.name}.{name}` raised {type(error).__name__}: {first_line(error)}; "
                "`ssltoolbox.api.Logger` describes its arguments"
            ) from error
    return made
