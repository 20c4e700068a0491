"""Files that are whole or not there: written beside, then renamed, on the same file system."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ssltoolbox.data.files import replaced


def write_bytes(path: Path, content: bytes) -> None:
    """
    Raises:
        SslToolboxError: when the disk is full or can't be written to.
    """
    with replaced(path) as beside:
        beside.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8; bytes of file names that were none as JSON has them, `\\udcff`. Line ends stay as they are."""
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_json(path: Path, value: Any) -> None:
    """Writes JSON that a person can read; NaN is refused rather than written as no JSON knows it."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
