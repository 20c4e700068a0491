"""The run folder: its paths, its lock, and the checks when a run begins or resumes."""

from __future__ import annotations

import itertools
import json
import os
import platform
import shlex
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from ssltoolbox.api import DataFacts, UserError
from ssltoolbox.plan import Plan, load_plan
from ssltoolbox.recipe import Override
from ssltoolbox.support.files import LOCK, locked, write_json, write_text, writing_to
from ssltoolbox.support.paths import refuse_url
from ssltoolbox.support.words import counted

FREE_TO_CHANGE = frozenset(
    f"trainer.{key}"
    for key in (
        "workers",
        "devices",
        "nodes",
        "checkpoint_steps",
        "log_steps",
        "probe_steps",
        "keep_features",
        "keep_features_gib",
        "loggers",
        "compile",
    )
)
"""Options that may change on `--resume`: the result stays the same up to the order of sums."""
NOT_COMPARED = frozenset(("loading", "note", "terms", "classes", "max_frames"))
"""Facts of the data that may change before a run is resumed: no frame, landmark or label depends on them."""
PACKAGES = ("ssltoolbox", "torch", "torchvision", "lightly", "timm", "kornia", "pytorch_lightning", "numpy")


class RunFolder:
    """Paths of a run."""

    def __init__(self, path: Path) -> None:
        """
        Raises:
            UserError: for a URL.
        """
        refuse_url(path)
        self.path = path.absolute()
        self.recipe = self.path / "recipe.yaml"
        self.environment = self.path / "environment.json"
        self.metrics = self.path / "metrics.csv"
        self.trackers = self.path / "trackers.json"
        self.checkpoint = self.path / "checkpoints" / "last.ckpt"
        self.task_checkpoints = self.path / "checkpoints" / "tasks"
        self.backbone = self.path / "backbone.safetensors"
        self.evaluation = self.path / "evaluation.json"
        self.heads = self.path / "heads"
        self.mistakes = self.path / "mistakes.json"
        self.embedding_map = self.path / "embedding_map.json"
        self.map_faces = self.path / "embedding_map.jpg"
        self.pairs = self.path / "pairs.png"
        self.pictures = self.path / "pictures.png"
        self.pictures_note = self.path / "pictures.json"
        self.report = self.path / "report.html"
        self.log = self.path / "log.txt"
        self.failure = self.path / "failure.json"

    @classmethod
    def of_now(cls, name: str) -> RunFolder:
        """Makes the default folder of a run that starts now; another one for each run of the same second.

        Raises:
            UserError: when it can't be made.
        """
        first = Path("runs") / name / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
        for number in itertools.count(1):
            path = first if number == 1 else first.with_name(f"{first.name}-{number}")
            with writing_to(path):
                try:
                    path.mkdir(parents=True)
                except FileExistsError:
                    continue
            break
        return cls(path)

    @property
    def resume_command(self) -> str:
        """The command that resumes the run. Its recipe there has the overrides of `--set` too."""
        return shlex.join(["ssltoolbox", "train", str(self.recipe), "--resume", "--out", str(self.path)])

    def log_of(self, rank: int) -> Path:
        """The log file of the process of that rank."""
        return self.log if rank == 0 else self.path / f"log.rank{rank}.txt"

    def refuse_used(self) -> None:
        """
        Raises:
            UserError: when the folder is not empty.
        """
        if self.path.is_file():
            raise UserError(f"{self.path} is a file, not a folder")
        if self.path.is_dir() and any(entry.name != LOCK for entry in self.path.iterdir()):
            raise UserError(
                f"{self.path} is not empty",
                "name another folder, or resume the run there: ssltoolbox train with --resume",
            )

    def locked(self) -> AbstractContextManager[None]:
        """Locks the folder; see `support.files.locked`."""
        return locked(self.path)

    def begin(self, recipe: str, facts: DataFacts | None, world: Mapping[str, Any], **about: Any) -> None:
        """Writes what a run starts with.

        Args:
            recipe: resolved, as YAML.
            facts: facts of the data; None if it is not there.
            world: the processes that train, and how they were started.
            about: further entries of environment.json, as plain data.
        """
        write_json(self.environment, environment() | about | {"world": world, "data": _recorded(facts)})
        write_text(self.recipe, recipe)

    def add(self, **about: Any) -> None:
        """Adds entries to environment.json, or replaces them; a file that is missing or damaged stays so."""
        if recorded := self.recorded():
            write_json(self.environment, recorded | about)

    def recorded(self) -> dict[str, Any]:
        """The content of environment.json; empty where it is missing or damaged."""
        try:
            recorded: dict[str, Any] = json.loads(self.environment.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return recorded

    def resume(
        self, recipe: str, facts: DataFacts | None, world: Mapping[str, Any], movable: Collection[str]
    ) -> list[str]:
        """Refuses to resume with another recipe or other data than at the start of the run.

        Files and folders that the recipe names may have moved. recipe.yaml then gets their new paths, so that
        later commands find them.

        Args:
            recipe, facts, world: as for `begin`, as they are now.
            movable: dotted keys of the recipe with paths of the data.

        Returns:
            Lines for the user on what else has changed.

        Raises:
            UserError: when the result would differ.
        """
        self._refuse_other_recipe(recipe, FREE_TO_CHANGE | set(movable))
        try:
            written = json.loads(self.environment.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return [f"{self.environment} can't be read: whether the data is the same is not known"]
        self._refuse_other_data(written.get("data", {}), _recorded(facts))
        if self.recipe.read_text(encoding="utf-8") != recipe:
            write_text(self.recipe, recipe)
        before = written.get("resumed", [written])[-1].get("world", world)
        if before == world:
            return []
        resumed = {"started": _now(), "world": world}
        write_json(self.environment, written | {"resumed": [*written.get("resumed", []), resumed]})
        return [
            f"this run has been trained by {_in_words(before)} and goes on with {_in_words(world)}: sums have "
            "another order, and a network that draws random numbers itself, as for dropout, draws others"
        ]

    def _refuse_other_recipe(self, recipe: str, free: Collection[str]) -> None:
        before, now = (yaml.safe_load(text) for text in (self.recipe.read_text(encoding="utf-8"), recipe))
        differences = [
            f"{key}: {old!r} there, {new!r} now"
            for key, old, new in _differences(before, now)
            if not any(key == other or key.startswith(f"{other}.") for other in free)
            and not _has_moved(old, new)
        ]
        if differences:
            raise UserError(
                f"{self.path} holds a run of another recipe:\n  " + "\n  ".join(differences),
                "name another folder, or change the recipe back",
            )

    def _refuse_other_data(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        differences = [
            f"{name}: {before[name]!r} at the start, {now[name]!r} now"
            for name in before.keys() & now.keys() - NOT_COMPARED
            if _is_different(before[name], now[name])
        ]
        if differences:
            raise UserError(
                f"the data has changed since the run in {self.path} began:\n  "
                + "\n  ".join(sorted(differences)),
                "bring the data back, or start another run",
            )


def open_run(path: Path, overrides: Sequence[str | Override] = ()) -> tuple[RunFolder, Plan]:
    """A finished run's folder, and the plan that it was made from.

    Raises:
        UserError: when there is no finished run.
    """
    folder = RunFolder(path)
    if not folder.recipe.is_file():
        raise UserError(f"{path} is not a run folder: it has no recipe.yaml")
    if not folder.backbone.is_file():
        raise UserError(
            f"the run in {path} is not finished: it has no backbone.safetensors",
            f"resume with: {folder.resume_command}",
        )
    return folder, load_plan(folder.recipe, overrides, data_needed=False)


def environment() -> dict[str, Any]:
    """The content of environment.json: versions, hardware, command."""
    import torch

    return {
        "started": _now(),
        "command": sys.argv,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "packages": {name: version(name) for name in PACKAGES},
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _recorded(facts: DataFacts | None) -> dict[str, Any]:
    """Facts as JSON gives them back."""
    if facts is None:
        return {}
    recorded: dict[str, Any] = json.loads(json.dumps(asdict(facts) | {"labels": sorted(facts.labels)}))
    return recorded


def _in_words(world: Mapping[str, Any]) -> str:
    """
    >>> _in_words({"processes": 4, "nodes": 2})
    '4 processes on 2 nodes'
    """
    processes, nodes = world.get("processes", 1), world.get("nodes", 1)
    text = counted(processes, "process")
    return text if nodes == 1 else f"{text} on {counted(nodes, 'node')}"


def _is_different(before: Any, now: Any) -> bool:
    """Whether a fact has changed. What is known of one time only, such as counts of a label, is no change."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        return any(before[key] != now[key] for key in before.keys() & now.keys())
    return bool(before != now)


def _differences(before: Any, now: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted key, value before, value now) wherever two plain trees differ."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in sorted({*before, *now}):
            yield from _differences(before.get(name), now.get(name), f"{key}.{name}".lstrip("."))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for position, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from _differences(old, new, f"{key}.{position}")
    elif before != now:
        yield key, before, now


def _has_moved(before: Any, now: Any) -> bool:
    """Whether both are absolute paths of a file or folder of the same name.

    >>> _has_moved("/lab/faces.index", "/scratch/faces.index"), _has_moved("/lab/a", "/lab/b"), _has_moved(1, 2)
    (True, False, False)
    """
    if not (isinstance(before, str) and isinstance(now, str)):
        return False
    old, new = Path(before), Path(now)
    return old.is_absolute() and new.is_absolute() and old.name == new.name
