"""Modules do not import each other in a circle, and what scripts import exists.

import-linter checks the order of packages only, and mypy does not read the scripts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted([*(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "docs").rglob("*.py")])


def test_no_imports_in_a_circle() -> None:
    """Imports within functions count, those for types alone do not."""
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph("ssltoolbox", exclude_type_checking_imports=True, cache_dir=None)
    imported = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imported) > 300
    TopologicalSorter(imported).prepare()


def ours(script: Path) -> Iterator[tuple[str, str]]:
    """Module and name of what a script imports of ssltoolbox, within functions too."""
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ssltoolbox":
            yield from ((str(node.module), alias.name) for alias in node.names)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.relative_to(ROOT).as_posix())
def test_what_a_script_imports_exists(script: Path) -> None:
    for module, name in ours(script):
        assert hasattr(import_module(module), name) or find_spec(f"{module}.{name}"), f"{module}.{name}"
