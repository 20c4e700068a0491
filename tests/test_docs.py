"""The documentation builds without a warning, and every public name of the API is on its page."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ssltoolbox.api as api
from ssltoolbox.cli.main import SECTIONS
from ssltoolbox.data.labelled.sets.base import PublishedOptions
from ssltoolbox.data.plugin import PUBLISHED
from ssltoolbox.registry import discover

pytest.importorskip("material")
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


@pytest.mark.parametrize("path", sorted(Path(api.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_a_line_of_a_docstring_describes_one_name(path: Path) -> None:
    """The page of the API would take the second name for a type."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, documented)]
    for text in filter(None, map(ast.get_docstring, nodes)):
        assert not re.findall(r"^ +[a-z_]\w*(?:, \w+)+: .*", text, re.MULTILINE)


def trees(dataset: str) -> list[list[str]]:
    """The files of each tree on a dataset's page, relative to the root."""
    texts = (ROOT / "docs" / "hooks" / "texts" / "datasets.md").read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {dataset}\n(.*?)(?=^## |\Z)", texts, re.DOTALL | re.MULTILINE)
    found = []
    for block in re.findall(r"^```text\nroot/\n(.*?)^```", section, re.DOTALL | re.MULTILINE):
        folders: list[str] = []
        files = []
        for line in block.splitlines():
            depth = (len(line) - len(line.lstrip())) // 2 - 1
            name = line.strip()
            folders[depth:] = [name]
            if not name.endswith("/"):
                files.append("".join(folders))
        found.append(files)
    return found


@pytest.mark.parametrize(("dataset", "options"), [published[:2] for published in PUBLISHED])
def test_a_tree_is_a_layout_that_the_set_reads(
    dataset: str, options: type[PublishedOptions], tmp_path: Path
) -> None:
    assert trees(dataset)
    for number, files in enumerate(trees(dataset)):
        for file in files:
            path = tmp_path / str(number) / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        assert any(form.lies_in(tmp_path / str(number)) for form in options.forms), files


def test_every_dataset_has_a_text() -> None:
    texts = (ROOT / "docs" / "hooks" / "texts" / "datasets.md").read_text(encoding="utf-8")
    shipped = {
        item.descriptor.name
        for item in discover().all()
        if item.kind == api.Kind.DATASETS and item.origin.distribution == "ssltoolbox"
    }
    assert set(re.findall(r"^## (\w+)$", texts, re.MULTILINE)) == shipped


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
    page = "".join(path.read_text() for path in sorted((tmp_path / "api").glob("*.html")))
    assert [name for name in api.__all__ if f">{name}<" not in page and f".{name}" not in page] == []
    assert "check_plugin" in words(tmp_path / "testing.html")
    assert "ssltoolbox bench grid.yaml" in words(tmp_path / "cookbook.html")
    assert "Momentum(" in words(tmp_path / "plugins" / "methods.html")
    assert components_without_options(tmp_path) == []
    assert commands_without_page(tmp_path) == []
    assert addresses_of_other_sites(tmp_path) == set()


def words(page: Path) -> str:
    """What a page says, without its tags."""
    return re.sub(r"<[^>]+>", "", page.read_text())


def components_without_options(site: Path) -> list[str]:
    """The components of ssltoolbox whose page does not name each of their options."""
    lacking = []
    for item in discover().all():
        name, kind = item.descriptor.name, item.kind.name
        places = (site / "components" / kind / f"{name}.html", site / kind / f"{name}.html")
        text = "".join(path.read_text() for path in places if path.is_file())
        options = item.descriptor.options.model_json_schema().get("properties", {})
        if (
            not all(f"<code>{option}</code>" in text for option in options)
            or item.descriptor.target not in text
        ):
            lacking.append(item.title)
    return lacking


def commands_without_page(site: Path) -> list[str]:
    """The commands whose page does not show their help."""
    commands = [command for section in SECTIONS.values() for command in section]
    pages = {command: site / "cli" / f"{command.name}.html" for command in commands}
    return [
        str(command.name) for command, page in pages.items() if "<code>-h, --help" not in page.read_text()
    ]


def addresses_of_other_sites(site: Path) -> set[str]:
    """What the pages would load from elsewhere: a reader may be offline."""
    loading = (
        r'<(?:script|img|iframe)[^>]* src="?(https?:[^" >]+)',
        r'<link[^>]* rel="?(?:stylesheet|preconnect)[^>]* href="?(https?:[^" >]+)',
    )
    pages = [page.read_text() for page in site.rglob("*.html")]
    return {address for pattern in loading for page in pages for address in re.findall(pattern, page)}


def test_the_walk_through_a_run_has_a_dozen_files_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("## A walk through a training run")[2].partition("\n## ")[0]
    files = re.findall(r"^\| \d+ \| `([\w/]+\.py)`", section, flags=re.M)
    assert 2 <= len(files) <= 13
    assert [file for file in files if not (ROOT / "ssltoolbox" / file).is_file()] == []
