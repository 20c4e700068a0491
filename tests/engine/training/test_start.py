"""A run begins without what it uses only later, or not at all. So does an evaluation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.runs import untrained_run, write_recipe

UNUSED = {"kornia", "sklearn", "captum"}
BEGIN = f"""
import sys
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.training import run
from ssltoolbox.plan import load_plan

components = Components(load_plan("quickstart", ["maskers=[]"]))
components.import_all()
components.try_backbone()
print(sorted({UNUSED!r} & set(sys.modules)))
"""


@pytest.mark.slow
def test_a_run_begins_without_the_libraries_of_tasks_and_reports() -> None:
    begun = subprocess.run([sys.executable, "-c", BEGIN], capture_output=True, text=True, check=True)
    assert begun.stdout == "[]\n"


OF_TRAINING = {"pytorch_lightning", "torchmetrics", "kornia", "pandas", "scipy.signal", "matplotlib.pyplot"}
EVALUATE = f"""
import sys
from ssltoolbox.cli.main import run

assert run(["evaluate", sys.argv[1]]) == 0
print(sorted({OF_TRAINING!r} & set(sys.modules)))
"""


@pytest.mark.slow
def test_an_evaluation_imports_no_library_that_only_training_uses(tmp_path: Path) -> None:
    recipe = write_recipe(
        tmp_path,
        ("trainer:", "evaluate: [expression, valence_arousal, identity]\nmaskers: [mask_fn]\ntrainer:"),
    )
    folder = untrained_run(recipe, tmp_path / "run")
    (folder / "pairs.png").touch()  # a trained run has this picture; without it, evaluation would draw it
    evaluated = subprocess.run(
        [sys.executable, "-c", EVALUATE, folder], capture_output=True, text=True, check=True
    )
    assert evaluated.stdout.splitlines()[-1] == "[]"
