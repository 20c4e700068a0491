"""Output that can't be written, or holds strange characters, never ends the work that it tells of."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from helpers.golden import Golden
from helpers.recipes import write_recipe as write_small_recipe
from helpers.runs import write_recipe
from rich.table import Table

from ssltoolbox.cli.main import run
from ssltoolbox.cli.output import Output, new_console, print_problem, safe_output, shown


class Screen(io.TextIOWrapper):
    """A stream in an encoding, and what was written to it."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)

    @property
    def text(self) -> str:
        return self.buffer.getvalue().decode(self.encoding)  # type: ignore[attr-defined]


class Broken(io.StringIO):
    """A stream that no longer takes anything."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_every_character_can_be_written(encoding: str) -> None:
    screen = Screen(encoding)
    Output(screen).write("0.5 ± 0.1 … 人 \udcff\n")
    expected = {
        "ascii": "0.5 +- 0.1 ... \\u4eba \\udcff\n",
        "latin-1": "0.5 ± 0.1 ... \\u4eba \\udcff\n",
        "utf-8": "0.5 ± 0.1 … 人 \\udcff\n",
    }
    assert screen.text == expected[encoding]


@pytest.mark.parametrize(("number", "lost"), [(errno.EPIPE, False), (errno.ENOSPC, True), (errno.EIO, True)])
def test_a_stream_that_broke_raises_nothing(number: int, lost: bool) -> None:
    output = Output(Broken(number))
    assert output.write("a") == output.write("b") == 1
    output.flush()
    assert (output.lost is not None) == lost


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_rich_and_click_write_to_it(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    import click

    screen = Screen(encoding)
    monkeypatch.setattr(sys, "stdout", screen)
    table = Table(title="[/names]")
    table.add_column("±")
    table.add_row("0.5 ±")
    with safe_output():
        click.echo("… done")
        new_console().print(table, "[/in brackets]")
    assert "done" in screen.text
    assert "[/names]" in screen.text
    assert "[/in brackets]" in screen.text
    assert screen.text.isascii() == (encoding == "ascii")


@pytest.mark.parametrize("variable", ["", "NO_COLOR"])
def test_a_terminal_gets_the_same_text_in_colours(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    text = "a.yaml:3:1: unknown\n  3 | x: y\n    |   ^\n    did you mean 'z'?\na.yaml:4:1: warning: slow\nend"
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if variable:
        monkeypatch.setenv(variable, "1")
    print_problem(text)
    printed = terminal.getvalue()
    assert click.unstyle(printed) == text + "\n"
    coloured = {line for line in printed.splitlines() if line != click.unstyle(line)}
    assert len(coloured) == (0 if variable else 4)


def test_streams_are_as_before_afterwards_and_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    before = sys.stderr
    with safe_output() as stdout:
        assert stdout is None
        assert isinstance(sys.stderr, Output)
    assert (sys.stdout, sys.stderr) == (None, before)


def test_results_that_cannot_be_shown_are_one_line_with_the_file(
    capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    with shown("the results", "evaluation.json"):
        raise KeyError("f1")
    golden(capsys.readouterr().err)


def test_results_that_nobody_can_show_fail_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("no such font")

    monkeypatch.setattr("ssltoolbox.cli.results.print_results", fail)
    recipe = write_recipe(tmp_path, ("trainer:", "evaluate: [identity]\ntrainer:"))
    assert run(["train", str(recipe), "--out", str(tmp_path / "out")]) == 0


def test_a_run_is_finished_on_an_ascii_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen("ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    recipe, out = write_recipe(tmp_path, ("trainer:", "evaluate: [expression]\ntrainer:")), tmp_path / "out"
    assert run(["train", str(recipe), "--out", str(out)]) == 0
    assert "macro-F1 ^" in screen.text
    assert {"expression", "random"} == set(json.loads((out / "evaluation.json").read_text()))


@pytest.mark.parametrize(
    ("command", "number", "code"),
    [
        ("check", errno.EPIPE, 0),
        ("check", errno.ENOSPC, 1),
        ("preview", errno.EPIPE, 0),
        ("preview", errno.ENOSPC, 0),
    ],
)
def test_only_what_merely_prints_fails_with_its_output(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    number: int,
    code: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    small = {"data": "{name: synthetic_faces, clips: 80, frames: 20}", "views": "{name: standard, size: 32}"}
    recipe = str(write_small_recipe(tmp_path, **small))
    monkeypatch.setattr(sys, "stdout", Broken(number))
    assert run([command, recipe]) == code
    assert bool(capsys.readouterr().err) == (number != errno.EPIPE)


@pytest.mark.parametrize("ending", ["| head -c 1", ">&-", "> /dev/full", "2>&-"])
def test_a_shell_that_stops_reading(tmp_path: Path, ending: str) -> None:
    """No traceback, none at Python's end either, and the work is done."""
    command = f"{sys.executable} -m ssltoolbox recipes copy quickstart -o out.yaml"
    command = f"{command} {ending}; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (tmp_path / "out.yaml").is_file()
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.stdout.split()[-1][-1] == ("1" if ending == "> /dev/full" else "0")
