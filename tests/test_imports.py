"""Modules do not import each other in a circle. import-linter checks the order of packages only."""

from __future__ import annotations

from graphlib import TopologicalSorter

import pytest


def test_no_imports_in_a_circle() -> None:
    """Imports within functions count, those for types alone do not."""
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph("ssltoolbox", exclude_type_checking_imports=True, cache_dir=None)
    imported = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imported) > 300
    TopologicalSorter(imported).prepare()
