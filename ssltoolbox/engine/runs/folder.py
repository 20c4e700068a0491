"""The run folder: where everything of a run lies, and who may write there."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import yaml

from ssltoolbox.api import DataFacts, UserError
from ssltoolbox.support.files import LOCK, locked, write_json, write_text
from ssltoolbox.support.local import refuse_url

FREE_TO_CHANGE = frozenset(
    f"trainer.{key}"
    for key in (
        "workers",
        "devices",
        "nodes",
        "checkpoint_steps",
        "log_steps",
        "probe_steps",
        "loggers",
        "compile",
    )
)
"""What `--resume` may change: it has no say in the result, the last bits of a number apart."""
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
        self.checkpoint = self.path / "checkpoints" / "last.ckpt"
        self.backbone = self.path / "backbone.safetensors"
        self.evaluation = self.path / "evaluation.json"
        self.embedding_map = self.path / "embedding_map.json"
        self.pairs = self.path / "pairs.png"
        self.report = self.path / "report.html"
        self.log = self.path / "log.txt"
        self.failure = self.path / "failure.json"

    @classmethod
    def of_now(cls, name: str) -> RunFolder:
        """The default folder of a run that starts now."""
        return cls(Path("runs") / name / f"{datetime.now():%Y-%m-%d_%H-%M-%S}")

    def refuse_used(self) -> None:
        """
        Raises:
            UserError: when there is something in the folder already.
        """
        if self.path.is_file():
            raise UserError(f"{self.path} is a file, not a folder")
        if self.path.is_dir() and any(entry.name != LOCK for entry in self.path.iterdir()):
            raise UserError(
                f"{self.path} is not empty",
                "name another folder, or go on with the training there: train --resume",
            )

    def locked(self) -> AbstractContextManager[None]:
        """Keeps other processes out, as `data.files.locked` does."""
        return locked(self.path)

    def begin(self, recipe: str, facts: DataFacts | None, **about: Any) -> None:
        """Writes what a run starts with: the resolved recipe, the environment, and the facts of the data.

        Args:
            recipe: as YAML.
            facts: of the data, where it is there.
            about: what else a reader of the run must know, as plain data.
        """
        data = {} if facts is None else asdict(facts) | {"labels": sorted(facts.labels)}
        write_json(self.environment, environment() | about | {"data": data})
        write_text(self.recipe, recipe)

    def refuse_other_recipe(self, recipe: str) -> None:
        """
        Raises:
            UserError: when the run here was made from a recipe whose result would differ.
        """
        before, now = (yaml.safe_load(text) for text in (self.recipe.read_text(encoding="utf-8"), recipe))
        differences = [
            f"{key}: {old!r} there, {new!r} now"
            for key, old, new in _differences(before, now)
            if not any(key == free or key.startswith(f"{free}.") for free in FREE_TO_CHANGE)
        ]
        if differences:
            raise UserError(
                f"{self.path} holds a run of another recipe:\n  " + "\n  ".join(differences),
                "name another folder, or change the recipe back",
            )


def environment() -> dict[str, Any]:
    """What a run depends on beside its recipe."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "packages": {name: version(name) for name in PACKAGES},
    }


def _differences(before: Any, now: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted key, value before, value now) wherever two plain trees differ."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in sorted({*before, *now}):
            yield from _differences(before.get(name), now.get(name), f"{key}.{name}".lstrip("."))
    elif before != now:
        yield key, before, now
