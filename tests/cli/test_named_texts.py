"""Names with texts, and help, in terminals of several widths."""

import io

import pytest
from click.testing import CliRunner
from rich.console import Console

from ssltoolbox.cli.main import commands
from ssltoolbox.cli.named_texts import NamedTexts
from ssltoolbox.support.terminal import NARROW

SUMMARY = "Predict labels of faces over time."


def printed(grid: NamedTexts, width: int) -> list[str]:
    """The lines of a grid in a terminal of this width."""
    console = Console(file=io.StringIO(), width=width)
    console.print(grid)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


@pytest.fixture
def grid() -> NamedTexts:
    grid = NamedTexts()
    grid.add_heading("views")
    grid.add("  standard", "Crop, flip and colour jitter.")
    return grid


def test_texts_stand_beside_their_names(grid: NamedTexts) -> None:
    assert printed(grid, NARROW) == ["views", "  standard  Crop, flip and colour jitter."]


def test_narrow_texts_stand_below_their_names(grid: NamedTexts) -> None:
    assert printed(grid, 24) == ["views", "  standard", "    Crop, flip and", "    colour jitter."]


def test_no_word_of_a_narrow_grid_is_cut(grid: NamedTexts) -> None:
    grid.add("name", "MLFLOW_TRACKING_URI_AND_MORE")
    assert "".join(line.strip() for line in printed(grid, 20)[-2:]) == "MLFLOW_TRACKING_URI_AND_MORE"


def test_an_empty_grid_says_so(grid: NamedTexts) -> None:
    assert NamedTexts().is_empty
    assert not grid.is_empty


@pytest.mark.parametrize("command", [[], ["predict"], ["data"], ["data", "extract"], ["plugins", "new"]])
def test_narrow_help_fits(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples keep their lines, so that they can be copied."""
    monkeypatch.setenv("COLUMNS", "40")
    shown = CliRunner().invoke(commands, [*command, "--help"]).output
    text = [line for line in shown.splitlines() if not line.startswith("      ssltoolbox ")]
    assert max(map(len, text)) <= 40


def test_narrow_help_has_whole_summaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    words = CliRunner().invoke(commands, ["--help"]).output.split()
    assert SUMMARY in " ".join(words)
    assert not any(word.endswith("...") for word in words if word != "[ARGS]...")
