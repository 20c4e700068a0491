"""Golden texts: what a user reads, word for word, in files of their own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Protocol

from ssltoolbox import __version__

FOLDER = Path(__file__).parents[1] / "golden" / "wording"


class Golden(Protocol):
    """Compares a text with its golden file."""

    def __call__(self, text: str) -> None: ...


class GoldenTexts:
    """The golden texts of one test, in the order of the calls.

    Paths of the test's own folders are written as `<tmp>`, and the version of ssltoolbox as `<version>`.

    Args:
        module: path of the test's file below `tests`.
        test: name of the test with its parameters.
        base: folder of all temporary folders.
        update: write the golden texts instead of comparing.
    """

    def __init__(self, module: Path, test: str, base: Path, update: bool) -> None:
        self.file = FOLDER / module.with_suffix(".json")
        self.test, self.base, self.update = test, base, update
        self.seen: list[str] = []

    def __call__(self, text: str) -> None:
        """Compares the next text of the test."""
        number = len(self.seen)
        text = text.replace(f"ssltoolbox {__version__}", "ssltoolbox <version>")
        self.seen.append(re.sub(rf"{re.escape(str(self.base))}/[^/\s:;,')]+", "<tmp>", text))
        if self.update:
            self._write()
        assert _without_usage(self.seen[number]) == _without_usage(self._stored()[number])

    def _stored(self) -> list[str]:
        texts: dict[str, list[str]] = json.loads(self.file.read_text(encoding="utf-8"))
        return texts[self.test]

    def _write(self) -> None:
        texts = json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else {}
        texts[self.test] = self.seen
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(
            json.dumps(dict(sorted(texts.items())), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def _without_usage(text: str) -> str:
    """The text without the lines that click puts above a mistake, in other words in other versions."""
    return re.sub(r"^Usage: .*\nTry .*\n\n", "", text, flags=re.MULTILINE)
