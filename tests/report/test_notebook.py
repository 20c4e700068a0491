"""A run as a notebook shows it."""

from helpers.reports import RunFolder

from ssltoolbox.report.notebook import run_html


def test_a_run_shows_its_claim_and_its_results(run: RunFolder) -> None:
    html = run_html(run.path)
    assert "tell expressions apart with macro-F1 0.29" in html
    assert html.count("<tr>") == 4
    assert str(run.path) in html


def test_names_are_escaped(run: RunFolder) -> None:
    run.recipe("<b>")
    assert "<b>&lt;b&gt;</b>" in run_html(run.path)
