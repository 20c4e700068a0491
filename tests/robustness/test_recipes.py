"""Every shipped recipe, mutated: always exit 0 or 2, never a traceback, and a typo is found on its line."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ssltoolbox.cli.main import run

SHIPPED = Path(__file__).parents[2] / "recipes"
RECIPES = sorted(str(path.relative_to(SHIPPED)) for path in SHIPPED.rglob("*.yaml"))
CASES, MANY_CASES = 75, 1000
"""Of each of the two tests."""

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["1e-3", "yes", "~", "../..", "/", "simclr", "hard_neg", "imagenet", "*x", "!!python/none"]
    )
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture
def recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the recipes, and the working folder."""
    copy = tmp_path / "recipes"
    shutil.copytree(SHIPPED, copy)
    monkeypatch.chdir(copy)
    return copy


def places(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values of a tree but its root."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def mutated(tree: Any, data: st.DataObject) -> Any:
    """The tree with one value replaced, removed, wrapped, renamed, or given a neighbour."""
    path = data.draw(st.sampled_from(list(places(tree))))
    *above, key = path
    parent = tree
    for step in above:
        parent = parent[step]
    match data.draw(
        st.sampled_from(["replace", "remove", "wrap in a list", "wrap in a mapping", "rename", "add"])
    ):
        case "replace":
            parent[key] = data.draw(values)
        case "remove":
            del parent[key]
        case "wrap in a list":
            parent[key] = [parent[key]]
        case "wrap in a mapping":
            parent[key] = {data.draw(st.text(max_size=8)): parent[key]}
        case "rename" | "add" as how if isinstance(parent, dict):
            parent[data.draw(st.text(max_size=8) | scalars)] = parent[key]
            if how == "rename":
                del parent[key]
        case _:
            parent[key] = data.draw(values)
    return tree


def mutated_text(text: str, data: st.DataObject) -> str:
    """The text with some characters replaced by others."""
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 5))
    return text[:start] + data.draw(st.text(max_size=5)) + text[start + length :]


def check_all(test: Callable[[st.DataObject], None], cases: int) -> None:
    """Runs a test on that many examples."""
    settings(max_examples=cases, deadline=None, database=None, suppress_health_check=list(HealthCheck))(
        given(st.data())(test)
    )()


def test_mutated_recipes_never_give_a_traceback(
    recipes: Path, much: bool, count: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    codes: Counter[int] = Counter()

    def one(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(RECIPES))
        text = (SHIPPED / name).read_text(encoding="utf-8")
        if data.draw(st.booleans()):
            tree = yaml.safe_load(text)
            for _ in range(data.draw(st.integers(1, 3))):
                assume(tree)
                tree = mutated(tree, data)
            text = yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)
        else:
            text = mutated_text(text, data)
        path = (recipes / name).with_name("mutated.yaml")
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        code = run(["check", str(path)])
        printed = capsys.readouterr()
        codes[code] += 1
        assert code in (0, 2), printed.err
        assert "Traceback" not in printed.err
        assert code == 0 or " problem" in printed.err.splitlines()[-1]

    check_all(one, MANY_CASES if much else CASES)
    count(f"{codes.total()} recipes, {codes[0]} were right, {codes[2]} were refused")


def words(name: str) -> list[tuple[int, int, str]]:
    """Line, column and text, from 0, of the keys and component names of a recipe that a typo would spoil."""
    found = []

    def visit(node: yaml.Node) -> None:
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            found.append(key)
            if key.value == "name" and node is not root:
                found.append(value)
            if key.value != "options":
                visit(value)
        for item in node.value if isinstance(node, yaml.SequenceNode) else ():
            found.extend([item] if isinstance(item, yaml.ScalarNode) and item.value.isidentifier() else [])
            visit(item)

    root = yaml.compose((SHIPPED / name).read_text(encoding="utf-8"))
    visit(root)
    return [
        (node.start_mark.line, node.start_mark.column, node.value)
        for node in found
        if len(str(node.value)) > 3
    ]


WORDS = [
    (name, *word)
    for name in RECIPES
    for word in words(name)
    if not word[2].startswith(("test_", "resnet", "layer"))
]
"""timm knows what a backbone, its layers and its options may be called, and is asked when a run begins."""


def test_typos_get_a_suggestion(
    recipes: Path, much: bool, count: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    tried: Counter[str] = Counter()

    def one(data: st.DataObject) -> None:
        name, line, column, word = data.draw(st.sampled_from(WORDS))
        place = data.draw(st.integers(0, len(word) - 2))
        typo = data.draw(
            st.sampled_from(
                [
                    word[:place] + word[place + 1 :],
                    word[:place] + word[place] + word[place:],
                    word[:place] + word[place + 1] + word[place] + word[place + 2 :],
                ]
            )
        )
        assume(typo != word)
        lines = (SHIPPED / name).read_text(encoding="utf-8").split("\n")
        lines[line] = lines[line][:column] + typo + lines[line][column + len(word) :]
        path = (recipes / name).with_name("typo.yaml")
        path.write_text("\n".join(lines), encoding="utf-8")
        assert run(["check", str(path)]) == 2, (name, word, typo)
        complaint = capsys.readouterr().err
        assert f"{path.relative_to(recipes)}:{line + 1}:" in complaint, (typo, complaint)
        tried[word] += 1

    check_all(one, MANY_CASES if much else CASES)
    count(f"{tried.total()} typos in {len(tried)} words of {len(RECIPES)} recipes, each found on its line")
