"""The table of results in a terminal."""

import io

import pytest
from helpers.reports import EVALUATION
from rich.console import Console

from ssltoolbox.cli.results import NARROW, results_table


@pytest.mark.parametrize("width", [40, 80])
def test_no_number_is_cut(width: int) -> None:
    out = io.StringIO()
    Console(file=out, width=width).print(results_table(EVALUATION, "small", narrow=width < NARROW))
    text = out.getvalue()
    assert "…" not in text
    for number in ("0.285", "0.130", "+0.100", "+0.210", "-0.010"):
        assert number in text
