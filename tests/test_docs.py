"""The documentation builds without a warning, and every public name of the API is on its page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ssltoolbox.api as api
from ssltoolbox.registry import discover

pytest.importorskip("mkdocs")
pytest.importorskip("mkdocstrings")
ROOT = Path(__file__).parents[1]


def test_every_kind_has_a_page() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    kinds_page = (ROOT / "docs" / "plugins" / "index.md").read_text(encoding="utf-8")
    for kind in api.KINDS:
        assert (ROOT / "docs" / "plugins" / f"{kind}.md").is_file(), kind
        assert f"plugins/{kind}.md" in navigation
        assert f"({kind}.md)" in kinds_page


def test_every_shipped_method_has_a_page() -> None:
    methods = set(discover().names(api.Kind.METHODS)) - {"none"}
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    overview = (ROOT / "docs" / "methods" / "index.md").read_text(encoding="utf-8")
    for method in methods:
        assert (ROOT / "docs" / "methods" / f"{method}.md").is_file(), method
        assert f"methods/{method}.md" in navigation
        assert f"({method}.md)" in overview


def test_every_page_has_the_same_sections() -> None:
    for kind in api.KINDS:
        page = (ROOT / "docs" / "plugins" / f"{kind}.md").read_text(encoding="utf-8")
        for section in ("Contract", "Example", "What the engine does", "Errors"):
            assert f"\n## {section}" in page, f"{kind}: {section}"


def test_every_included_file_exists() -> None:
    includes = [
        (page.name, line)
        for page in sorted((ROOT / "docs").rglob("*.md"))
        for line in page.read_text(encoding="utf-8").splitlines()
        if re.match(r"-+\s*8\s*<", line)
    ]
    assert includes
    for page, line in includes:
        found = re.fullmatch(r'--8<-- "(.+)"', line)
        assert found, f"{page}: {line}"
        assert (ROOT / found[1]).is_file(), f"{page}: {line}"


@pytest.mark.slow
def test_the_documentation_builds_without_warnings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "api" / "index.html").read_text()
    assert [name for name in api.__all__ if f">{name}<" not in page and f".{name}" not in page] == []
    assert "check_plugin" in (tmp_path / "testing" / "index.html").read_text()
    assert "ssltoolbox bench grid.yaml" in (tmp_path / "cookbook" / "index.html").read_text()
    assert "Momentum(" in (tmp_path / "plugins" / "methods" / "index.html").read_text()
