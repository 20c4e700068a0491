"""A run begins without what it uses only later, or not at all."""

from __future__ import annotations

import subprocess
import sys

import pytest

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
