"""The results in a terminal."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from helpers.reports import EVALUATION
from rich.console import Console

from ssltoolbox.cli.results import results_list, results_table
from ssltoolbox.support.terminal import NARROW


@pytest.mark.parametrize(
    ("width", "shown"), [(40, results_list), (NARROW, results_table), (80, results_table)]
)
def test_no_number_is_cut(width: int, shown: Callable[..., Any]) -> None:
    out = io.StringIO()
    Console(file=out, width=width).print(shown(EVALUATION, "small"))
    text = out.getvalue()
    assert "…" not in text
    for number in ("0.285", "0.130", "+0.100", "+0.210", "-0.010"):
        assert number in text


def test_a_long_name_is_no_heading() -> None:
    headings = [column.header for column in results_table(EVALUATION, "a_name_that_would_be_cut").columns]
    assert headings == ["task", "metric", "this run", "untrained", "difference"]


def test_a_narrow_terminal_cuts_no_word() -> None:
    out = io.StringIO()
    Console(file=out, width=40, color_system=None).print(results_list(EVALUATION, "small"))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines[:4] == [
        "Results of small",
        "expression: macro-F1 ↑",
        "  0.285, untrained 0.130",
        "  difference +0.100 to +0.210",
    ]
