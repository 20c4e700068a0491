"""The logger. This module is imported only when a run needs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ssltoolbox.api import RunSetting
from ssltoolbox_json_lines import JsonLinesOptions


class JsonLines:
    """Appends lines, so that a resumed run continues the same file."""

    def __init__(self, options: JsonLinesOptions, setting: RunSetting) -> None:
        self.path = setting.folder / options.file

    def log_hyperparams(self, params: Mapping[str, Any]) -> None:
        """Does nothing, because the recipe is already in the run folder."""

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Writes one line."""
        line = json.dumps({"step": step, **{name: float(value) for name, value in metrics.items()}})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")
