"""`ssltoolbox report` and `ssltoolbox compare`."""

from pathlib import Path

import pytest
from helpers.reports import RunFolder

from ssltoolbox.cli.main import run


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        RunFolder(folder)
        (folder / "metrics.csv").unlink()
    return folders


def test_report_is_made_from_the_files(folders: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(folders[0])]) == 0
    page = folders[0] / "report.html"
    assert str(page) in capsys.readouterr().out
    assert "small: report of a run" in page.read_text()


def test_compare_prints_tables_and_writes_a_page(
    folders: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    RunFolder(folders[1]).recipe("other", ("simclr", "byol"))
    page = folders[0].parent / "page.html"
    assert run(["compare", *map(str, folders), "-o", str(page)]) == 0
    out = capsys.readouterr().out
    assert "method.name" in out
    assert "byol" in out
    assert "0.285" in out
    assert "comparison" in page.read_text()


@pytest.mark.parametrize("command", ["report", "compare"])
def test_what_is_no_run_is_refused(
    folders: list[Path], command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = str(folders[0].parent / "nothing")
    others = [str(folders[0])] if command == "compare" else []
    assert run([command, *others, wrong]) == 2
    assert wrong in capsys.readouterr().err
