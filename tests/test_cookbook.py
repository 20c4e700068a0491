"""Every block of the cookbook runs, in the order of the page, in one folder."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ssltoolbox.api import KINDS
from ssltoolbox.cli.main import run
from ssltoolbox.registry import discover

PAGE = (Path(__file__).parents[1] / "plugins" / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
RUN_ALONE = {"bench"}
"""Commands that start processes of their own."""


def sections() -> dict[str, list[tuple[str, str]]]:
    """The blocks below each heading; those above the first belong to all."""
    parts = re.split(r"^## (.*)$", PAGE, flags=re.MULTILINE)
    return {
        title: re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        for title, text in zip(["", *parts[1::2]], parts[::2], strict=True)
    }


SECTIONS = sections()


def write(block: str, folder: Path) -> Path:
    """Writes a block to the file that its first line names."""
    name = re.match(r"# ([\w.]+)\n", block)
    assert name, f"the first line must name the file: {block[:60]!r}"
    path = folder / name[1]
    path.write_text(block, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the page's reader is, with the recipe that all examples build on."""
    monkeypatch.chdir(tmp_path)
    for _, block in SECTIONS[""]:
        write(block, tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("title", [title for title in SECTIONS if title])
def test_a_section_of_the_cookbook_runs(title: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for language, block in SECTIONS[title]:
        if language != "sh":
            path = write(block, folder)
            if path.name.startswith("test_"):
                assert pytest_passes(path)
            continue
        for line in block.splitlines():
            program, *arguments = shlex.split(line)
            assert program == "ssltoolbox"
            code = run(arguments) if arguments[0] not in RUN_ALONE else started(arguments, folder)
            captured = capsys.readouterr()
            assert code == 0, line + captured.out + captured.err


def started(arguments: list[str], folder: Path) -> int:
    return subprocess.run([sys.executable, "-m", "ssltoolbox", *arguments], cwd=folder).returncode


def pytest_passes(path: Path) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
    return subprocess.run(command, cwd=path.parent).returncode == 0


def test_every_block_is_of_a_language_that_is_run() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "yaml", "sh"}
    assert sum(map(len, SECTIONS.values())) == len(BLOCKS)


def test_every_kind_has_an_example(tmp_path: Path) -> None:
    files = [write(block, tmp_path) for language, block in BLOCKS if language == "python"]
    registry = discover(path for path in files if not path.name.startswith("test_"))
    assert registry.broken == ()
    assert {item.kind for item in registry.all() if not item.origin.distribution} == set(KINDS.values())
