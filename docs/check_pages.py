"""Checks pages as a reader meets them: axe's rules, and no sideways scrolling, at two widths and in both modes.

pip install playwright axe-playwright-python      # and Chromium: `playwright install chromium`, or --browser PATH
python docs/check_pages.py site/index.html runs/mine/report.html --pictures shots
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

WIDTHS = (1280, 390)
"""Pixels: a laptop and a phone."""
MODES = ("light", "dark")


def problems(page: Page) -> Iterator[str]:
    """What is wrong with the page that is open."""
    for rule in Axe().run(page).response["violations"]:
        yield f"{rule['id']}: {rule['help']}"
        yield from (f"    {_node(node)}" for node in rule["nodes"][:5])
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        yield f"the page scrolls sideways by {wide} pixels"


def main() -> int:
    """Prints the problems of all pages; exits with 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", type=Path, help="HTML files")
    parser.add_argument("--browser", help="path of Chromium")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the pages")
    options = parser.parse_args()
    found = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        for path, width, mode in product(options.pages, WIDTHS, MODES):
            size = {"width": width, "height": 900}
            with browser.new_page(viewport=size, color_scheme=mode, reduced_motion="reduce") as page:
                page.goto(path.resolve().as_uri(), wait_until="load")
                lines = list(problems(page))
                found += len(lines)
                print(f"{path} {width} {mode}: {'no problem' if not lines else ''}", *lines, sep="\n  ")
                if options.pictures:
                    options.pictures.mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=options.pictures / f"{path.stem}-{width}-{mode}.png")
    return int(found > 0)


def _node(node: dict[str, Any]) -> str:
    """The element, and the reason in short."""
    reason = " ".join(node["failureSummary"].split()).removeprefix("Fix any of the following: ")
    return f"{' '.join(node['target'])}: {reason[:160]}"


if __name__ == "__main__":
    sys.exit(main())
