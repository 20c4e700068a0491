"""The page: one file, everything escaped, and what it says."""

import base64
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from helpers.golden import Golden
from helpers.reports import RunFolder

from ssltoolbox.report import render_report
from ssltoolbox.report.files import read_run
from ssltoolbox.report.plots import INK
from ssltoolbox.report.training import groups_of

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Text, images and tables of a page; fails where tags don't match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open, self.tags, self.images, self.words = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "img":
            self.images.append(dict(attributes))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open and data.strip():
            self.words.append(" ".join(data.split()))

    def after(self, text: str, count: int = 1) -> list[str]:
        start = self.words.index(text) + 1
        return self.words[start : start + count]


def page_of(run: RunFolder) -> Page:
    return Page(render_report(run.path))


def content(image: dict[str, str]) -> tuple[str, bytes]:
    mime, data = re.fullmatch(r"data:([^;]+);base64,(.+)", image["src"]).groups()
    return mime, base64.b64decode(data)


def test_the_report_shows_claim_results_and_facts_of_the_run(run: RunFolder, golden: Golden) -> None:
    page = page_of(run)
    assert page.words[:2] == ["small: report of a run", "small"]
    golden(page.words[2])
    assert "These are drawings." in page.words
    assert page.after("strategies") == ["time_aug, mask_fn"]
    assert page.after("started") == ["2026-01-31 20:26 UTC"]
    head = ["metric", "this run", "untrained", "difference"]
    assert page.after("task", 8) == [*head, "expression", "macro‑F1 ↑", "0.285", "0.130"]
    assert page.after("0.130", 2) == ["+0.155", "+0.100 to +0.210"]
    assert page.after("0.297", 2) == ["0.133", "chance 0.500"]
    assert page.after("identity", 3) == ["accuracy", "0.214", "0.135"]
    assert page.after("candidates masked") == ["0.40%"]
    assert page.after("of these, with the row's expression") == ["80% (chance 20%)"]
    assert page.after("swaps skipped") == ["0.50 per sample"]
    assert page.after("command") == ["ssltoolbox train 'my recipe.yaml'"]
    assert page.after("gpus") == ["none"]
    golden(page.words[-1])


def test_only_what_is_clearly_better_than_an_untrained_network_is_bold(run: RunFolder) -> None:
    """Not the accuracy, whose difference may be chance; not who is shown, where more is neither good nor bad."""
    bold = re.findall(r'<td class="number better">([^<]+)', render_report(run.path))
    assert bold == ["0.285"]


def test_the_report_needs_no_other_file(run: RunFolder) -> None:
    (run.path / "pairs.png").write_bytes(b"\x89PNG")
    html = render_report(run.path)
    page = Page(html)
    assert {"script", "link", "iframe"}.isdisjoint(page.tags)
    assert "http:" not in html
    assert "https:" not in html
    kinds = [content(image)[0] for image in page.images]
    assert kinds == [*["image/svg+xml"] * 2, "image/png", *["image/svg+xml"] * 6]
    assert all(image["alt"] for image in page.images)


def test_pictures_of_the_method_and_its_note(run: RunFolder) -> None:
    (run.path / "pictures.png").write_bytes(b"\x89PNG")
    run.json("pictures", {"columns": ["image", "rebuilt"], "note": "All is grey."})
    page = page_of(run)
    assert page.after("What the method makes of images") == ["All is grey."]
    assert page.images[-1]["alt"].endswith("image, rebuilt")
    assert content(page.images[-1]) == ("image/png", b"\x89PNG")


def test_plots_hold_their_text(run: RunFolder, golden: Golden) -> None:
    first, confusion, loss = (ElementTree.fromstring(content(image)[1]) for image in page_of(run).images[:3])
    assert {"expression macro-F1 ↑", "identity accuracy", "untrained"} <= set(first.itertext())
    assert {"happy", "sad", "75%", "25%"} <= set(confusion.itertext())
    assert "step" in set(loss.itertext())
    golden(page_of(run).images[2]["alt"])


def test_pages_and_figures_follow_the_readers_mode(run: RunFolder) -> None:
    html = render_report(run.path)
    assert '<meta name="color-scheme" content="light dark">' in html
    figures = [content(image)[1].decode() for image in Page(html).images]
    assert all(f'@media (prefers-color-scheme: dark) {{[style*="fill: {INK}"]' in svg for svg in figures)
    assert all(f"fill: {INK}" in svg.split("</style>", 1)[1] for svg in figures)


def test_what_scrolls_can_be_reached_by_keys(run: RunFolder) -> None:
    (run.path / "pairs.png").write_bytes(b"\x89PNG")
    scrollers = re.findall(r'<div class="scroll"[^>]*>', render_report(run.path))
    assert len(scrollers) == 2
    assert all('tabindex="0"' in tag and "aria-label=" in tag for tag in scrollers)


def test_each_group_of_curves_has_a_sentence_on_how_to_read_it(run: RunFolder) -> None:
    readings = [group.reading for group, _ in groups_of(read_run(run.path).metrics)]
    assert all(reading.endswith(".") for reading in readings)
    assert len(readings) == 6


def test_lines_of_the_recipe_itself_are_marked(run: RunFolder) -> None:
    run.json("environment", {"own_keys": ["method.name", "trainer.steps"]})
    marked = re.findall(r"<mark>(.*?)</mark>", render_report(run.path))
    assert marked == ["method: {name: simclr}", "trainer: {steps: 800, epochs: null}"]


def test_a_run_that_still_trains(run: RunFolder) -> None:
    (run.path / "evaluation.json").unlink()
    run.json("environment", {"steps": 800, "parameters": 1_260_000, "device": "CPU", "seconds": 75})
    run.write("metrics.csv", "step,loss,probe_mood_f1\n10,6.5,\n20,5.5,0.347\n")
    html = render_report(run.path)
    page = Page(html)
    assert page.words[2].startswith("Not finished: step 20 of 800")
    assert "mood macro-F1 0.35" in page.words[2]
    assert page.after("parameters") == ["1.3 million"]
    assert page.after("device") == ["CPU"]
    assert page.after("duration") == ["1 min 15 s"]
    assert 'http-equiv="refresh"' in html


def test_the_same_files_give_the_same_page(run: RunFolder) -> None:
    assert render_report(run.path) == render_report(run.path)


EVIL = "<script>alert('&')</script>$\\frac$"


def test_the_report_escapes_every_text_of_a_run(run: RunFolder) -> None:
    run.recipe("small", ("name: small", f'name: "{EVIL}"'.replace("\\", "\\\\")))
    numbers = {"f1": 0.5, "per_class": {EVIL: {}, "b": {}}, "confusion": [[1, 0], [0, 1]]}
    run.json("evaluation", {EVIL: numbers, "random": {}})
    run.json("environment", {EVIL: [EVIL], "data": {"note": EVIL}})
    run.write("metrics.csv", f'step,"{EVIL}","{EVIL}_per_sample"\n1,2,3\n')
    html = render_report(run.path)
    page = Page(html)
    assert "<script" not in html
    assert "script" not in page.tags
    assert page.words.count(EVIL) >= 4
    for image in page.images:
        ElementTree.fromstring(content(image)[1])


@pytest.mark.parametrize("missing", ["evaluation.json", "environment.json", "metrics.csv"])
def test_what_is_not_there_is_left_out(run: RunFolder, missing: str) -> None:
    (run.path / missing).unlink()
    heading = {"evaluation.json": "Results", "metrics.csv": "Training"}
    words = page_of(run).words
    assert heading.get(missing, "Environment") not in words
    assert "Recipe" in words


def test_a_run_without_training_and_strategies(run: RunFolder) -> None:
    (run.path / "metrics.csv").unlink()
    run.recipe(
        "plain",
        ("simclr", "none"),
        ("[{name: time_aug}]", "[]"),
        ("maskers: [{name: mask_fn}]", "maskers: []"),
    )
    run.json("environment", {"trains": False})
    words = page_of(run).words
    assert words[2].startswith("Without training ")
    assert "What the strategies did" not in words


def test_without_an_untrained_network_its_columns_are_dashes(run: RunFolder) -> None:
    ccc = {"key": "ccc", "label": "CCC", "better": "higher"}
    run.json("evaluation", {"valence": {"ccc": 0.5, "metrics": [ccc]}})
    page = page_of(run)
    assert page.after("valence", 4) == ["CCC ↑", "0.500", "–", "–"]
    assert "untrained" not in set(ElementTree.fromstring(content(page.images[0])[1]).itertext())


def test_the_report_is_made_without_torch(run: RunFolder) -> None:
    code = (
        "import sys; from pathlib import Path; from ssltoolbox.report import render_report; "
        f"render_report(Path({str(run.path)!r})); "
        "print('torch' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_maps_of_the_features(run: RunFolder, golden: Golden) -> None:
    points = [[0.0, 1.0], [2.5, -1.0], [3.0, 0.5]]
    labels = {"identity": [4, 5, 5], "expression": [-1, 1, 7]}
    names = {"expression": ["neutral", "happy", "sad", *"3456", "contempt"]}
    run.json("embedding_map", {"method": "PCA", "points": points, **labels, "names": names})
    page = page_of(run)
    assert page.after("Map of the features", 2) == ["Coloured by expression", "Coloured by identity"]
    assert any("PCA" in words for words in page.words)
    expression, identity = (image for image in page.images if "coloured by" in image["alt"])
    golden(expression["alt"])
    text = set(ElementTree.fromstring(content(expression)[1]).itertext())
    assert {"not labelled", "happy", "contempt"} <= text
    assert "sad" not in text
    golden(identity["alt"])


def test_a_map_with_faces_shows_what_each_point_is(run: RunFolder) -> None:
    """The words of a point stand in a script, from which no text of the user may break out."""
    points, labels = [[0.0, 0.0], [1.0, 1.0]], {"identity": [4, 5], "mood": [0, -1]}
    names = {"mood": ["</script><b>"]}
    found = {"method": "PCA", "points": points, **labels, "names": names, "sheet_columns": 2}
    run.json("embedding_map", found)
    (run.path / "embedding_map.jpg").write_bytes(b"\xff\xd8")
    html = render_report(run.path)
    assert Page(html).tags.count("script") == 2
    data = re.search(r'id="map-frames">(.*?)</script>', html)[1]
    words = ["mood </script><b>; identity 4", "mood unknown; identity 5"]
    assert json.loads(data) == {"words": words, "columns": 2}
    (left, upper), (right, lower) = json.loads(re.search(r"data-places='(.*?)'", html)[1])
    assert 0 < left < right < 1
    assert 0 < lower < upper < 1, "y grows downwards on a page"
    (people,) = (image for image in page_of(run).images if "coloured by identity" in image["alt"])
    assert "identity 5" in set(ElementTree.fromstring(content(people)[1]).itertext())
    assert "http:" not in html
    assert "https:" not in html


def test_mistakes_are_shown_with_faces(run: RunFolder) -> None:
    faces = [{"identity": 7, "jpeg": "AAAA"}, {"identity": 9, "jpeg": "BBBB"}]
    mistake = {"true": "happy", "predicted": "<sad>", "count": 10, "of": 40, "faces": faces}
    run.json("mistakes", {"expression": [mistake], "of another evaluation": [mistake]})
    page = page_of(run)
    assert page.after("happy → <sad>") == ["10 of 40 of this class"]
    shown = {image["alt"]: image["src"] for image in page.images if "image/jpeg" in image["src"]}
    assert shown["identity 7: happy, predicted <sad>"] == "data:image/jpeg;base64,AAAA"
    assert len(shown) == 2
    assert "strip" not in render_report(run.path)


def test_a_clip_that_was_mistaken_is_a_strip(run: RunFolder) -> None:
    face = {"identity": 7, "frames": 5, "jpeg": "AAAA"}
    run.json(
        "mistakes", {"expression": [{"true": "a", "predicted": "b", "count": 1, "of": 4, "faces": [face]}]}
    )
    page = page_of(run)
    (strip,) = (image for image in page.images if "image/jpeg" in image["src"])
    assert strip["alt"] == "5 frames of a clip of identity 7: a, predicted b"
    assert strip["style"] == "--frames: 5"
    assert "predicted class. A strip shows frames of one clip" in page.after("Most frequent mistakes")[0]


def test_a_map_without_expressions(run: RunFolder) -> None:
    run.json("embedding_map", {"method": "PCA", "points": [[0, 1]] * 12, "identity": list(range(12))})
    assert page_of(run).after("Map of the features") == ["Coloured by identity"]


def test_verification_has_its_curve(run: RunFolder) -> None:
    curve = {"false_accepts": [0.0, 0.5, 1.0], "true_accepts": [0.0, 0.8, 1.0]}
    numbers = {"accuracy": 0.7, "auc": 0.65, "roc": curve, "data": "lfw", "protocol": "10 folds"}
    run.json("evaluation", {"verification": numbers, "random": {"verification": numbers}})
    page = page_of(run)
    drawn = ElementTree.fromstring(content(page.images[1])[1])
    assert {"small", "untrained", "true accepts"} <= set(drawn.itertext())
    assert "0.650" in page.images[1]["alt"]


def test_intervals_stand_below_their_numbers(run: RunFolder) -> None:
    metrics = [{"key": name, "better": "higher"} for name in ("f1", "accuracy")]
    numbers = {"f1": 0.5, "f1_ci": [0.412, 0.588], "accuracy": 0.6, "metrics": metrics}
    run.json("evaluation", {"expression": numbers})
    assert render_report(run.path).count('<div class="beneath">0.41 to 0.59</div>') == 1


def test_notes_stand_below_the_results(run: RunFolder) -> None:
    metrics = [{"key": "f1", "better": "higher", "note": "Read with care."}]
    run.json("evaluation", {"mood": {"f1": 0.5, "metrics": metrics, "limited": {"train": [40, 90]}}})
    words = page_of(run).words
    assert "mood: Read with care." in words
    assert any("40 of 90 train frames" in text for text in words)


def test_a_note_on_the_data_is_about_results_on_this_data(run: RunFolder) -> None:
    own = {"f1": 0.5, "data": "labelled"}
    run.json("evaluation", {"age": own, "mood": {"f1": 0.5}})
    assert "These are drawings." in page_of(run).words
    run.json("evaluation", {"age": own})
    assert "These are drawings." not in page_of(run).words


def test_labels_of_several_columns_show_each(run: RunFolder) -> None:
    columns = {"AU1": {"f1": 0.5}, "AU12": {"f1": 0.7}}
    numbers = {"f1": 0.6, "per_column": columns, "folds": [{}, {}], "unlabelled": {"train": 3}}
    run.json("evaluation", {"aus": numbers})
    page = page_of(run)
    drawn = ElementTree.fromstring(content(page.images[1])[1])
    assert {"AU1", "AU12"} <= set(drawn.itertext())
    shown = " ".join(page.words)
    assert "3 train frames" in shown
    assert "2 folds" in shown
