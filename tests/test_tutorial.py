"""The tutorial's commands run in the order of the page, with drawn videos and short runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.tutorial import write_labelled, write_videos

from ssltoolbox.cli.main import run

PAGE = (Path(__file__).parents[1] / "docs" / "tutorial.md").read_text(encoding="utf-8")
SHORTER = {"steps: 200": "steps: 2", "batch_size: 32": "batch_size: 8", "seeds: [0, 1, 2]": "seeds: [0]"}
"""What the test changes in the recipes of the page."""


def blocks() -> list[tuple[str, str]]:
    """Language and text of each block of code."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def commands() -> Iterator[list[str]]:
    """The words of each command, and the files that are written before it."""
    for language, block in blocks():
        yield from (
            [["file", block]] if language == "yaml" else (shlex.split(line) for line in block.splitlines())
        )


@pytest.mark.slow
def test_every_command_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_videos(tmp_path, people=16, takes=1, frames=10)
    write_labelled(tmp_path, people=4, images=32)
    for program, *words in commands():
        if program == "file":
            write(words[0])
        elif program == "ssltoolbox":
            assert outcome(words) == 0, f"{words}: {capsys.readouterr()}"
    for result in (
        "sheet.png",
        "pairs.png",
        "runs/time_aug/report.html",
        "runs/grid/report.html",
        "comparison.html",
    ):
        assert Path(result).stat().st_size > 0


def test_the_page_runs_nothing_but_ssltoolbox() -> None:
    assert {language for language, _ in blocks()} == {"sh", "yaml"}
    programs = [words[:2] for words in commands() if words[0] not in ("file", "ssltoolbox")]
    assert programs == [["pip", "install"]]
    assert all(text in PAGE for text in SHORTER)


def write(block: str) -> None:
    """Writes a shorter version of a file; its first line is its name."""
    name = block.splitlines()[0].removeprefix("# ")
    for text, shorter in SHORTER.items():
        block = block.replace(text, shorter)
    Path(name).write_text(block, encoding="utf-8")


def outcome(words: list[str]) -> int:
    """The exit code of a command; `bench` starts processes, so it is one.

    The light on a drawn face changes so fast that each change counts as a cut.
    """
    if words[:2] == ["data", "extract"]:
        words = [*words, "--plugin", "detector.py", "--detector", "middle", "--cut", "1", "--workers", "1"]
    if words[0] == "bench":
        return subprocess.run([sys.executable, "-m", "ssltoolbox", *words]).returncode
    return run(words)
