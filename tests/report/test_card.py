"""What the card says of data, results and licences."""

import html
import json
import re

import pytest
from helpers.golden import Golden
from helpers.reports import RunFolder
from markdown_it import MarkdownIt

from ssltoolbox.report.card import render_card
from ssltoolbox.report.templates import block

F1 = {"key": "f1", "label": "macro-F1", "better": "higher", "phrase": "tell expressions apart with"}


def card_of(run: RunFolder) -> str:
    return render_card(run.path, "m.onnx", "onnx", "model = …", 112, "abc")


def test_a_card_shows_results_data_and_strategies(run: RunFolder) -> None:
    text = card_of(run)
    assert "| expression | macro-F1 ↑ | 0.285 | 0.130 | +0.100 to +0.210 | – |" in text
    assert "| identity | accuracy | 0.214 | 0.135 | +0.050 to +0.100 | – |" in text
    assert "| training clips | 960 |" in text
    assert "These are drawings." in text
    assert "time_aug, mask_fn" in text
    assert "2026-01-31T20:26:24+00:00" in text
    assert "torch 2.11" in text


def test_nobody_else_has_our_folders(run: RunFolder) -> None:
    run.recipe(
        "small",
        ("weights: null", "weights: /private/theirs.ckpt"),
        ("name: synthetic_faces", "name: frames, index: /private/faces/vox1.index, other: /private/faces"),
    )
    recipe = card_of(run).split("## Recipe")[1]
    assert "weights: theirs.ckpt" in recipe
    assert "index: vox1.index, other: faces" in recipe
    assert "/private" not in card_of(run)


def test_a_card_without_results_has_a_sentence_instead(run: RunFolder, golden: Golden) -> None:
    run.json("evaluation", {})
    golden("\n".join(line for line in card_of(run).splitlines() if "evaluated" in line))


def licences_of(run: RunFolder) -> list[str]:
    return card_of(run).split("## Licences\n\n")[1].split("\n\n## Recipe")[0].splitlines()


def test_the_notices_of_what_the_run_used_are_its_licences(run: RunFolder, golden: Golden) -> None:
    run.json("environment", {"notices": ["The terms of A apply.", "B excludes commercial use."]})
    assert licences_of(run) == ["- The terms of A apply.", "- B excludes commercial use."]
    run.json("environment", {"notices": []})
    (line,) = licences_of(run)
    golden(line)


def test_a_run_that_recorded_no_notices_is_not_called_free(run: RunFolder, golden: Golden) -> None:
    run.json("environment", {})
    (line,) = licences_of(run)
    golden(line)


def test_an_unclear_difference_is_not_called_learned(run: RunFolder) -> None:
    numbers = {"f1": 0.16, "difference": {"f1": [-0.04, 0.06]}, "metrics": [F1]}
    run.json("evaluation", {"expression": numbers, "random": {"expression": {"f1": 0.152}}})
    text = card_of(run)
    assert "tell expressions apart" not in text
    assert "The difference is not clear" in text


def page_of(text: str) -> str:
    """As a reader of Markdown shows it."""
    return MarkdownIt("commonmark").enable("table").render(text)


EVIL = "<script>alert('&')</script>|`x`|\n```\n# [a](b) _c_"


def test_names_are_only_names(run: RunFolder) -> None:
    """A page made of the card has no tag, no link and no heading of theirs."""
    run.recipe("small", ("name: small", f"name: {json.dumps(EVIL)}"))
    numbers = {"f1": 0.5, EVIL: 1.0}
    run.json("evaluation", {EVIL: numbers, "random": {}})
    run.json("environment", {"started": EVIL, "packages": {EVIL: EVIL}, "data": {"note": EVIL}})
    text = render_card(run.path, EVIL, "onnx", "model = …", 112, "abc")
    page = page_of(text.split("---\n", 2)[2])
    tags = re.findall(r"<(\w+)", page)
    assert not {"script", "a", "em"} & set(tags)
    assert tags.count("h1") == 1
    assert tags.count("h2") == 5


@pytest.mark.parametrize("lines", ["a: 1", "a: '```'", "````\n```"])
def test_a_block_holds_any_text(lines: str) -> None:
    expected = f'<pre><code class="language-yaml">{html.escape(lines, quote=False)}\n</code></pre>\n'
    assert page_of(block(lines, "yaml")) == expected
