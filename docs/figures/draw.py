"""Draws the pictures of the documentation again: of components, the tutorial and the README.

    pip install playwright      # and Chromium: `playwright install chromium`, or --browser PATH
    PYTHONPATH=tests python docs/figures/draw.py --browser /usr/bin/chromium

It runs the tutorial with drawn videos, which takes some minutes, and takes pictures of the pages that it makes.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

import badges
import similarities
from helpers.tutorial import write_labelled, write_videos
from PIL import Image

from ssltoolbox.cli.main import run

DOCS = Path(__file__).parents[1]
COMPONENTS = {
    "positive_generators": ("time_aug", "face_swap", "cut_mix", "any_frame", "same_person"),
    "negative_samplers": ("hard_neg", "similar_pose"),
    "negative_maskers": ("mask_fn", "near_in_time"),
    "views": ("standard", "paper", "mild"),
}
"""The components whose effect on a sample can be seen."""
SECTIONS = {
    "positive_generators": "positives: [{}]",
    "negative_samplers": "negatives: [{}]",
    "negative_maskers": "maskers: [{}]",
    "views": "views: {{name: {}, size: 64}}",
}
OPTIONS = {
    "mask_fn": "{name: mask_fn, descriptor: gradients}",
    "hard_neg": "{name: hard_neg, gap: 2.88}",
    "face_swap": "{name: face_swap, p: 1.0}",
    "cut_mix": "{name: cut_mix, p: 1.0}",
}
"""How a recipe names those whose defaults need weights or change only some samples."""
RECIPE = """\
recipe: 1
name: {name}
data: {{name: synthetic_faces, identities: 24, clips: 96, size: 64, zoom: 1.4}}
backbone: {{name: resnet10t}}
method: {{name: simclr}}
optim: {{name: adam, lr: 1.0e-3}}
trainer: {{steps: 10, batch_size: 32}}
{section}
"""


def main() -> None:
    """Draws all pictures, or some."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--browser", help="path of Chromium")
    parser.add_argument("--only", choices=("tutorial", "pairs", "components", "similarities", "badges"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if options.only in (None, "badges"):
            badges.draw_all()
        if options.only in (None, "similarities"):
            similarities.draw_all()
        if options.only in (None, "pairs"):
            draw_pairs(Path(folder))
        if options.only in (None, "components"):
            draw_components(Path(folder))
        if options.only in (None, "tutorial"):
            run_tutorial(Path(folder))
            draw_tutorial(Path(folder), options.browser)


def draw_pairs(folder: Path) -> None:
    """The picture of the README: samples of a training step with all four strategies."""
    ssltoolbox("preview", "synthetic/g", "--samples", "2", "-o", folder / "pairs.png")
    save(Image.open(folder / "pairs.png"), DOCS / "figures" / "pairs.png", width=1756)


def draw_components(folder: Path) -> None:
    """A sample of a training step with each of the components."""
    for kind, names in COMPONENTS.items():
        for name in names:
            recipe = folder / f"{name}.yaml"
            section = SECTIONS[kind].format(OPTIONS.get(name, name))
            views = "" if kind == "views" else "views: {name: standard, size: 64}\n"
            recipe.write_text(views + RECIPE.format(name=name, section=section), encoding="utf-8")
            picture = folder / f"{name}.png"
            ssltoolbox("preview", recipe, "--samples", "1", "-o", picture)
            save(Image.open(picture), DOCS / "figures" / "components" / f"{kind}-{name}.png")


def run_tutorial(folder: Path) -> None:
    """Runs the commands of the page with drawn videos."""
    write_videos(folder, people=24, takes=2, frames=32)
    write_labelled(folder, people=32, images=600)
    page = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    os.chdir(folder)
    for language, block in re.findall(r"^```(\w+)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE):
        if language == "yaml":
            (folder / block.splitlines()[0].removeprefix("# ")).write_text(block, encoding="utf-8")
            continue
        for line in block.splitlines():
            program, *words = shlex.split(line)
            if words[:2] == ["data", "extract"]:
                words += ["--plugin", "detector.py", "--detector", "middle", "--cut", "1", "--workers", "1"]
            if program == "ssltoolbox":
                ssltoolbox(*words)


def draw_tutorial(folder: Path, browser: str | None) -> None:
    """The pictures of the page: two that commands drew, and two of pages in a browser."""
    from playwright.sync_api import sync_playwright  # only these pictures need it

    target = DOCS / "figures" / "tutorial"
    sheet = Image.open(folder / "sheet.png")
    save(sheet.crop((0, 0, sheet.width, sheet.height // 2)), target / "sheet.png")
    save(Image.open(folder / "pairs.png"), target / "pairs.png")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1000, "height": 720}, color_scheme="light")
        for name, picture in (("time_aug", "report.png"), ("grid", "benchmark.png")):
            page.goto((folder / "runs" / name / "report.html").as_uri())
            page.screenshot(path=folder / picture)
            save(Image.open(folder / picture), target / picture)


def save(picture: Image.Image, path: Path, width: int = 1200) -> None:
    """Saves a small file: at most `width` pixels wide, with a palette."""
    picture = picture.convert("RGB")
    if picture.width > width:
        picture = picture.resize(
            (width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def ssltoolbox(*words: str | Path) -> None:
    """Runs a command in this folder."""
    if code := run([str(word) for word in words]):
        sys.exit(code)


if __name__ == "__main__":
    main()
