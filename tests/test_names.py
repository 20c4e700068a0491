"""Names: the core knows no component and no label of faces by name; each class has a name of its own."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from ssltoolbox.registry import discover

PACKAGE = Path(__file__).parents[1] / "ssltoolbox"
CORE = (
    "bench",
    "cli",
    "data/drawing",
    "engine",
    "losses",
    "models",
    "plan",
    "recipe",
    "registry",
    "report",
    "support",
)
WORDS_OF_THE_FIELD = frozenset(
    (
        "classification",
        "constant",
        "cosine",
        "frames",
        "identity",
        "labelled",
        "linear",
        "none",
        "paper",
        "sgd",
        "standard",
        "step",
        "supervised",
        "timm",
        "verification",
    )
)
"""Components whose names are words that the core needs for other things."""
LABELS = frozenset(("expression", "expressions", "valence", "arousal"))
EXEMPT = {
    "cli/data/info.py": "help: an example of a dataset",
    "cli/data/detector.py": "the detector that is taken where a command names none",
    "cli/evaluate.py": "help: an example of tasks",
    "cli/export.py": "help: an example of tasks",
    "cli/predict.py": "help: an example of tasks",
    "models/checkpoints.py": "torch's classes, by which an optimiser may stand in a file",
    "cli/plugins.py": "help: an example of an option",
}


@lru_cache
def names() -> frozenset[str]:
    found = {item.descriptor.name for item in discover().all()} - WORDS_OF_THE_FIELD
    return frozenset(found) | LABELS


def texts_of(source: str) -> Iterator[tuple[int, str]]:
    """The identifiers and texts of a module, without its docstrings and comments."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield line, node.value
        elif isinstance(
            node, ast.Name | ast.Attribute | ast.arg | ast.FunctionDef | ast.ClassDef | ast.alias
        ):
            yield (
                line,
                next(
                    str(getattr(node, name)) for name in ("id", "attr", "arg", "name") if hasattr(node, name)
                ),
            )


def named(text: str, wanted: frozenset[str]) -> set[str]:
    """The wanted names that are words of a text; within an identifier, those between underscores too."""
    words = set(re.findall(r"[a-z0-9_]+", text.lower()))
    return {name for name in wanted for word in words if f"_{name}_" in f"_{word}_"}


def modules() -> list[Path]:
    return [
        path for room in CORE for end in ("py", "j2") for path in sorted((PACKAGE / room).rglob(f"*.{end}"))
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_component_is_named(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = [(0, text)] if path.suffix == ".j2" else texts_of(text)
    mentions = {(line, name) for line, part in found for name in named(part, names())}
    if path.relative_to(PACKAGE).as_posix() in EXEMPT:
        assert mentions, "it needs no exemption any more"
    else:
        assert not mentions


def test_the_search_finds_names() -> None:
    source = (
        'def of_expression(rows):\n    """Of mask_fn."""\n    return rows["valence"], f"{rows} face_swap"\n'
    )
    found = {name for _, text in texts_of(source) for name in named(text, names())}
    assert found == {"expression", "valence", "face_swap"}


def test_each_class_has_a_name_of_its_own() -> None:
    found = Counter(
        node.name
        for path in PACKAGE.rglob("*.py")
        if "scaffold/packages" not in path.as_posix()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in found.items() if count > 1] == []
