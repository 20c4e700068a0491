"""table.md and report.html: what they say, and that names in them are only names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from helpers.bench import bench_of, job
from helpers.golden import Golden

from ssltoolbox.bench.page import claim, render_page, too_few
from ssltoolbox.bench.recipes import recipes_of
from ssltoolbox.bench.results import Bench, results_of_bench
from ssltoolbox.bench.run import BenchOutcome
from ssltoolbox.bench.tables import render_markdown
from ssltoolbox.report.results import Result, results_of

WORLDS = [{"data.world": 0}, {"data.world": 1}]
SCRIPTS = [
    files("ssltoolbox.bench").joinpath(name).read_text(encoding="utf-8").strip()
    for name in ("sort.js", "filter.js")
]
NASTY = "<img src=x onerror=alert(1)>|$a$_b_`c`"


@pytest.fixture
def nasty() -> Bench:
    return bench_of(
        {"simclr": [0.2, 0.3], NASTY: [0.4, 0.6]},
        [{NASTY: 0}, {NASTY: 1}],
        failed={job("g", 0, {NASTY: 0}): NASTY},
        note=NASTY,
    )


def test_table_md_has_means_differences_and_costs(golden: Golden) -> None:
    bench = bench_of({"simclr": [0.2, 0.3, 0.25, 0.35], "g": [0.4, 0.51, 0.45, 0.54]}, WORLDS, note="Drawn.")
    head, *_ = render_markdown(bench).split("## Cost")
    golden(head)


def test_costs_and_failures_in_the_table(golden: Golden) -> None:
    text = render_markdown(bench_of({"simclr": [0.2]}, failed={job("g", 1): "failed: OSError: disk full"}))
    golden(text.split("## Cost")[1])
    assert "Difference" not in text


def test_names_are_not_markdown(nasty: Bench) -> None:
    for line in render_markdown(nasty).splitlines():
        assert not re.search(r"(?<!\\)[<>$`]", line), line
        if line.startswith("|") and "---" not in line:
            assert len(re.findall(r"(?<!\\)\|", line)) in (5, 6), line


class Page(HTMLParser):
    """The tags of a page, and what their attributes point to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def test_names_are_not_html(nasty: Bench) -> None:
    text = render_page(nasty, Path("/out"))
    page = Page(text)
    assert "onerror=alert(1)&gt;" in text
    # Two measures, as they are and as differences.
    assert page.tags.count("img") == 4
    assert not {"link", "iframe"} & set(page.tags)
    # The only scripts are the page's own, and the same on every page.
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.S)
    assert [script.strip() for script in scripts] == SCRIPTS
    assert page.tags.count("script") == len(SCRIPTS)


def test_the_page_needs_no_other_file_and_links_to_the_runs(tmp_path: Path) -> None:
    bench = bench_of({"simclr": [0.2, 0.3], "g": [0.4, 0.5]}, WORLDS)
    page = Page(render_page(bench, Path("/out")))
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.addresses)
    run = next(iter(bench.finished.values()))
    object.__setattr__(run, "folder", tmp_path / "runs" / "a b")
    (tmp_path / "runs" / "a b").mkdir(parents=True)
    (tmp_path / "runs" / "a b" / "report.html").touch()
    page = Page(render_page(bench, tmp_path))
    assert [address for address in page.addresses if not address.startswith("data:")] == [
        "runs/a%20b/report.html"
    ]


@pytest.mark.parametrize("recipes", [5, 6])
def test_a_page_of_many_recipes_has_a_field_that_filters_them(recipes: int) -> None:
    bench = bench_of({f"r{number}": [0.2] for number in range(recipes)})
    assert ("input" in Page(render_page(bench, Path("/out"))).tags) == (recipes > 5)


def test_a_recipe_is_listed_by_what_differs_from_the_baseline() -> None:
    bench = bench_of({"simclr": [0.2], "g": [0.4]})
    simclr, g = recipes_of(bench)
    assert (simclr.is_baseline, simclr.changes) == (True, ())
    assert g.changes == (("positives", "none", "time_aug"),)
    assert [name for name, _ in g.components] == ["simclr", "time_aug"]
    assert all(summary.endswith(".") for _, summary in g.components)


@pytest.mark.parametrize(("values", "note"), [([0.2], "single"), ([0.2, 0.3], "wide"), ([0.2, 0.3, 0.4], "")])
def test_too_few_runs_for_an_interval(values: list[float], note: str) -> None:
    text = too_few(bench_of({"simclr": values, "g": values}).overall)
    assert note in text
    assert bool(text) == bool(note)


@pytest.mark.parametrize(
    ("numbers", "best"),
    [
        ({"simclr": [0.2, 0.3], "g": [0.4, 0.51]}, True),
        ({"simclr": [0.2, 0.3], "g": [0.4, 0.2]}, False),
        ({"simclr": [0.2], "g": [0.4]}, False),
        ({"simclr": [0.4], "g": [0.2]}, False),
        ({"simclr": [0.4]}, False),
        ({"simclr": []}, False),
    ],
)
def test_the_headline_calls_best_only_what_clearly_is(
    numbers: dict[str, list[float]], best: bool, golden: Golden
) -> None:
    bench = bench_of(numbers, failed={} if any(numbers.values()) else {job("simclr"): "failed"})
    text = claim(bench.overall)
    assert ("Best" in text) == best
    golden(text)


def test_a_page_without_any_result() -> None:
    text = render_page(bench_of({}, failed={job("simclr"): "failed: OSError: disk full"}), Path("/out"))
    assert re.search(r"simclr, seed 0: .*OSError: disk full", text)
    assert "<img" not in text


def test_an_outcome_shows_its_tables_in_a_notebook(nasty: Bench) -> None:
    html = BenchOutcome(nasty, interrupted=False, code_changed=False)._repr_html_()
    assert html.count("<table") == 2
    assert "onerror=alert(1)&gt;" in html
    assert "<script" not in html


def test_each_run_is_evaluated_once_for_all_tables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    looked_at = []

    def counted(evaluation: Mapping[str, Any], neighbours: bool) -> list[Result]:
        looked_at.append(evaluation)
        return results_of(evaluation, neighbours)

    monkeypatch.setattr("ssltoolbox.bench.runs.results_of", counted)
    bench = bench_of({"simclr": [0.2, 0.3], "g": [0.4, 0.6], "a": [0.5, 0.1]}, WORLDS)
    results_of_bench(bench, tmp_path)
    render_markdown(bench)
    render_page(bench, tmp_path)
    assert len(looked_at) == len(bench.finished)
