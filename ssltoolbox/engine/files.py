"""Files that are whole or not there: written beside, then renamed, on the same file system."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ssltoolbox.api import SslToolboxError


def write_text(path: Path, text: str) -> None:
    """
    Raises:
        SslToolboxError: when the disk is full or can't be written to.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise SslToolboxError(f"can't write {path}: {error.strerror or error}") from error


def write_json(path: Path, value: Any) -> None:
    """Writes JSON that a person can read; NaN is refused rather than written as no JSON knows it."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
