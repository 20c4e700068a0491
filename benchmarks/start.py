"""The cost of a run besides its steps, in CPU time: before the first step, and after the last one.

A quickstart of one step is compared with a process that only imports torch, torchvision, Lightning, timm and
lightly. No script that uses these libraries can save their import. With `--beside`, runs of another
environment, such as of an earlier version, take turns with these.

    python benchmarks/start.py --repeats 5 --beside ../before/.venv/bin/python --out start.json
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from marks import FILE
from side_by_side import Row, in_turn, parser, report

RECIPE = Path(__file__).parents[1] / "recipes" / "quickstart.yaml"
MARKS = Path(__file__).with_name("marks.py")
BARE = "import torch, torchvision, pytorch_lightning, timm, lightly.loss, lightly.models.modules.heads"
SETTINGS = [
    "trainer.steps=1",
    "trainer.workers=0",
    "trainer.callbacks=[marks]",
    f"plugins={{files: [{MARKS}]}}",
    "evaluate=[]",
]
Spent = dict[str, float]
"""CPU seconds of each part of a process."""


def bare(python: str) -> Spent:
    """Of the imports alone."""
    return {"whole": _cpu_seconds([python, "-c", BARE])}


def of_a_run(python: str) -> Spent:
    """Of a run of one step, from its start to its end."""
    with TemporaryDirectory() as folder:
        os.environ[FILE] = str(Path(folder, "marks.json"))
        command = [python, "-m", "ssltoolbox", "train", str(RECIPE), "--out", str(Path(folder, "run"))]
        whole = _cpu_seconds(command + [part for setting in SETTINGS for part in ("--set", setting)])
        marked = json.loads(Path(os.environ[FILE]).read_text())
    return {"whole": whole, "to": marked["first step"], "after": whole - marked["trained"]}


def _cpu_seconds(command: list[str]) -> float:
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    """Runs all in turn; the medians are shown."""
    options = parser(__doc__)
    options.add_argument("--beside", help="the Python of another environment with ssltoolbox")
    arguments = options.parse_args()
    works = {"bare": partial(bare, sys.executable), "ours": partial(of_a_run, sys.executable)}
    if arguments.beside:
        works["theirs"] = partial(of_a_run, arguments.beside)
    turns = in_turn(works, arguments.repeats)

    def middle(work: str, part: str) -> float | None:
        return median(turn[part] for turn in turns[work]) if work in turns else None

    imports, first, after = middle("bare", "whole"), middle("ours", "to"), middle("ours", "after")
    assert imports is not None
    assert first is not None
    assert after is not None
    before = middle("theirs", "to")
    rows = [
        Row("to the first step, beside the bare imports", first, imports, "CPU s"),
        Row("the same above them", first - imports, None, "CPU s", at_most=1.0),
        Row("after the last step", after, middle("theirs", "after"), "CPU s"),
    ]
    if before is not None:
        rows.insert(1, Row("to the first step, beside the other environment", first, before, "CPU s"))
    report("A run of one step of the quickstart", rows, arguments.out, seconds=turns)


if __name__ == "__main__":
    main()
