"""Names with texts, and help, in terminals of several widths."""

import io

import pytest
from click.testing import CliRunner
from rich.console import Console

from ssltoolbox.cli.main import commands
from ssltoolbox.cli.named_texts import NamedTexts
from ssltoolbox.support.terminal import NARROW

SUMMARY = "Predict labels of faces over time."


def printed(texts: NamedTexts, width: int) -> list[str]:
    """The lines that a terminal of this width shows."""
    console = Console(file=io.StringIO(), width=width)
    console.print(texts)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


@pytest.fixture
def texts() -> NamedTexts:
    texts = NamedTexts()
    texts.add_heading("views")
    texts.add("  standard", "Crop, flip and colour jitter.")
    return texts


def test_texts_stand_beside_their_names(texts: NamedTexts) -> None:
    assert printed(texts, NARROW) == ["views", "  standard  Crop, flip and colour jitter."]


def test_narrow_texts_stand_below_their_names(texts: NamedTexts) -> None:
    assert printed(texts, 24) == ["views", "  standard", "    Crop, flip and", "    colour jitter."]


def test_no_word_of_a_narrow_list_is_cut(texts: NamedTexts) -> None:
    texts.add("name", "MLFLOW_TRACKING_URI_AND_MORE")
    assert "".join(line.strip() for line in printed(texts, 20)[-2:]) == "MLFLOW_TRACKING_URI_AND_MORE"


def test_whether_texts_are_empty(texts: NamedTexts) -> None:
    assert NamedTexts().is_empty
    assert not texts.is_empty


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
