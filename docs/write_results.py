"""Writes the results of the grids matrix, strategies and strategies_real into the pages of methods and strategies.

ssltoolbox bench benchmarks/matrix.yaml --out runs/matrix
python docs/write_results.py runs/matrix/results.json
"""

from __future__ import annotations

import argparse
import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

METHODS, STRATEGIES = (Path(__file__).parent / name for name in ("methods", "strategies.md"))
BEGIN, END = "<!-- results of {grid} -->", "<!-- end -->"
WITH_LABELS = ("supcon",)
UNWEIGHTED = "_unweighted"
"""Ends the variant of a method that rejects a weight of hard negatives."""
UNTRAINED = 0.21
WIDTH = 140
"""Of the lines of the pages."""
WORDS = {
    "time_aug": "TimeAug",
    "face_swap": "TimeAug and FaceSwap",
    "hard_neg": "TimeAug and HardNeg",
    "mask_fn": "TimeAug and MaskFN",
}

BASES = {
    "strategies": {
        "a": "TimeAug",
        "j": "TimeAug, FaceSwap",
        "h": "TimeAug, MaskFN",
        "d": "TimeAug, FaceSwap, MaskFN",
    },
    "strategies_real": {
        "real-a": "TimeAug",
        "real-h": "TimeAug, MaskFN",
        "real-d": "TimeAug, FaceSwap, MaskFN",
    },
}
"""The recipes of a grid that strategies are added to, and the strategies that they have."""
METRICS = {"strategies_real": "accuracy"}
"""The number in the table where it is not the macro-F1."""

OPTIONS = {
    "hard_neg_weighted": "`hard_neg`, `choose: changed`, `weight: 32`",
    "temporal_rank": "`temporal_rank`, added to `hard_neg`",
    "rince": "`loss: rince`",
    "soft_contrast": "`loss: soft_contrast`",
}
"""How the strategies are written whose name is not enough."""

Entries = Mapping[tuple[str, str | None], Mapping[str, Any]]


def entries_of(results: Mapping[str, Any]) -> Entries:
    """The score of expressions by (recipe, variant), the best recipe without changes first.

    Raises:
        ValueError: where a run of the grid is missing, because a table with holes is easily misread.
    """
    missing = [run["recipe"] for run in results["runs"] if "evaluation" not in run]
    if missing:
        raise ValueError(f"{len(missing)} runs have no results, such as {missing[0]}")
    metric = METRICS.get(results["name"], "f1")
    entries = {
        (entry["recipe"], entry["variant"] and entry["variant"].removesuffix(UNWEIGHTED)): entry
        for entry in results["variants"]
        if (entry["task"], entry["metric"]) == ("expression", metric)
    }
    return dict(sorted(entries.items(), key=lambda item: -entries[item[0][0], None]["mean"]))


def table(entries: Entries) -> str:
    """A row for each method, a column for each variant, and the gains below the scores."""
    variants = [None, *WORDS]
    head = ["method", "no strategy", *(f"`{variant}`" for variant in WORDS)]
    rows = [
        [
            f"[{recipe}]({recipe}.md){' (labels)' if recipe in WITH_LABELS else ''}",
            *(_cell(entries.get((recipe, variant))) for variant in variants),
        ]
        for recipe in dict.fromkeys(recipe for recipe, _ in entries)
    ]
    return _table(head, rows)


def strategies_table(entries: Entries, bases: Mapping[str, str]) -> str:
    """A row for each strategy, a column for each recipe that it is added to."""
    strategies = dict.fromkeys(variant for _, variant in entries if variant)
    rows = [
        ["no further strategy", *(_cell(entries[base, None]) for base in bases)],
        *(
            [OPTIONS.get(name, f"`{name}`"), *(_cell(entries.get((base, name))) for base in bases)]
            for name in strategies
        ),
    ]
    head = ["added to", *bases.values()]
    return _table(head, rows)


def sentence(recipe: str, entries: Entries) -> str:
    """What one method gave, in words."""
    plain = entries[recipe, None]
    scores = [
        f"{entries[recipe, variant]['mean']:.2f} with {words}"
        for variant, words in WORDS.items()
        if (recipe, variant) in entries
    ]
    text = (
        f"**What it gave.** After 300 steps on drawn faces, the macro-F1 of expressions is {plain['mean']:.2f} ± "
        f"{plain['sd']:.2f} without strategies (untrained: {UNTRAINED}), {_listed(scores)}. The [table of all "
        "methods](index.md#what-they-learned-on-drawn-faces) has the intervals and the limits of this comparison."
    )
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def replaced(text: str, grid: str, part: str) -> str:
    """The page with a new part between the two marks of a grid.

    >>> replaced("a <!-- results of matrix --> old <!-- end --> b", "matrix", "new")
    'a <!-- results of matrix -->\\nnew\\n<!-- end --> b'
    """
    begin = BEGIN.format(grid=grid)
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(END)}", re.DOTALL)
    return pattern.sub(lambda _: f"{begin}\n{part}\n{END}", text)


def _cell(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return ""
    gain = entry["gain"]
    lines = [_score(entry["metric"], entry["mean"], entry["sd"])]
    if gain is not None:
        clear = gain["low"] > 0 or gain["high"] < 0
        points = f"{100 * gain['mean']:+.1f}"
        lines += [
            f"**{points}**" if clear else points,
            f"[{100 * gain['low']:.1f}, {100 * gain['high']:.1f}]",
        ]
    # A number and its interval stay on their lines in a narrow column.
    return "<br>".join(lines).replace("-", "−").replace(" ", "&nbsp;")


def _score(metric: str, mean: float, sd: float) -> str:
    return f"{100 * mean:.1f} ± {100 * sd:.1f}%" if metric == "accuracy" else f"{mean:.2f} ± {sd:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(map(_row, [head, ["---", *["---:"] * (len(head) - 1)], *rows]))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def write(grid: str, entries: Entries) -> None:
    """Writes the pages that show the grid of this name."""
    if grid in BASES:
        parts = {STRATEGIES: strategies_table(entries, BASES[grid])}
    else:
        parts = {METHODS / "index.md": table(entries)}
        parts |= {
            METHODS / f"{recipe}.md": sentence(recipe, entries)
            for recipe, variant in entries
            if variant is None
        }
    for page, part in parts.items():
        page.write_text(replaced(page.read_text(encoding="utf-8"), grid, part), encoding="utf-8")


def main() -> None:
    """Writes every page of a grid."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="results.json of the benchmark")
    results = json.loads(parser.parse_args().results.read_text(encoding="utf-8"))
    write(results["name"], entries_of(results))


if __name__ == "__main__":
    main()
