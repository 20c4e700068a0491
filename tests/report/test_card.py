"""What the card says of data, results and licences."""

import html
import json
import re

import pytest
from markdown_it import MarkdownIt

from ssltoolbox.report.card import render_card
from ssltoolbox.report.templates import block


def card_of(run):
    return render_card(run.path, "m.onnx", "onnx", "model = …", 112, "abc")


def test_results_and_data(run):
    text = card_of(run)
    assert "| expression | macro-F1 ↑ | 0.285 | 0.130 | – |" in text
    assert "| identity left | accuracy ↓ | 0.214 | 0.135 | – |" in text
    assert "| training clips | 960 |" in text
    assert "These are drawings." in text
    assert "simclr with time_aug, mask_fn, started 2026-01-31T20:26:24+00:00." in text
    assert text.endswith("Made with torch 2.11.\n")


def test_nobody_else_has_our_folders(run):
    run.recipe(
        "small",
        ("weights: null", "weights: /private/theirs.ckpt"),
        ("name: synthetic_faces", "name: frames, index: /private/faces/vox1.index, other: /private/faces"),
    )
    recipe = card_of(run).split("## Recipe")[1]
    assert "weights: theirs.ckpt" in recipe
    assert "index: vox1.index, other: faces" in recipe
    assert "/private" not in card_of(run)


def test_without_results(run):
    run.json("evaluation", {})
    assert "Nothing was evaluated." in card_of(run)


@pytest.mark.parametrize(
    ("changes", "licences"),
    [
        ([], ["No model or data of others was used."]),
        (
            [("weights: null", "weights: imagenet"), ("mask_fn", "mask_fn, descriptor: resnet18")],
            [
                "- Training began with timm's ImageNet weights of test_byobnet: their licence applies.",
                "- MaskFN compared faces with an ImageNet ResNet-18, whose weights are not in this file.",
            ],
        ),
        (
            [("synthetic_faces", "frames"), ("weights: null", "weights: /private/theirs.ckpt")],
            [
                "- The terms of the training data apply; some allow research only.",
                "- Training began with the weights in theirs.ckpt: their licence applies.",
                "- mask_fn used facial landmarks. The terms of the detector that found them may apply: dlib's "
                "68-point model is trained on iBUG 300-W, which excludes commercial use.",
            ],
        ),
    ],
)
def test_licences(run, changes, licences):
    run.recipe("small", *changes)
    section = card_of(run).split("## Licences\n\n")[1].split("\n\n## Recipe")[0]
    assert section.splitlines() == licences


def page_of(text):
    """As a reader of Markdown shows it."""
    return MarkdownIt("commonmark").enable("table").render(text)


EVIL = "<script>alert('&')</script>|`x`|\n```\n# [a](b) _c_"


def test_names_are_only_names(run):
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
def test_a_block_holds_any_text(lines):
    expected = f'<pre><code class="language-yaml">{html.escape(lines, quote=False)}\n</code></pre>\n'
    assert page_of(block(lines, "yaml")) == expected
