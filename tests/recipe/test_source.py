import math
from pathlib import Path
from typing import Any

import pytest
from helpers.golden import Golden
from hypothesis import given
from hypothesis import strategies as st

from ssltoolbox.recipe.source import MAX_BYTES, MAX_DEPTH, parse, read_file

FILE = "/r/x.yaml"


def value(text: str) -> Any:
    node, problems = parse(text, FILE)
    assert node is not None
    assert problems == []
    return node.plain()


def complaints(text: str) -> list[tuple[int, int, str, str]]:
    _, problems = parse(text, FILE)
    return [(p.place.line, p.place.column, p.message, p.hint) for p in problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e-3", 0.001),
        ("3E4", 30000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1.5e+2", -150.0),
        ("12", 12),
        ("+12", 12),
        ("007", 7),
        ("0o17", 15),
        ("0xfF", 255),
        ("-.inf", -math.inf),
        (".INF", math.inf),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("Yes", "Yes"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("0b101", "0b101"),
        ("inf", "inf"),
        ("tRUE", "tRUE"),
        ("=", "="),
        ("'12'", "12"),
        ('"true"', "true"),
        ("|\n    12\n", "12\n"),
    ],
)
def test_scalars_follow_the_core_schema(text: str, expected: object) -> None:
    found = value(f"a: {text}")["a"]
    assert found == expected
    assert type(found) is type(expected)


def test_nan_is_read_as_a_number() -> None:
    assert math.isnan(value("a: .NaN")["a"])


def test_the_largest_whole_numbers(golden: Golden) -> None:
    assert value(f"[{2**63 - 1}, {-(2**63) + 1}]") == [2**63 - 1, -(2**63) + 1]
    for text in (str(2**63), "1" * 10_000, "0x" + "f" * 16):
        [(line, column, message, hint)] = complaints(f"a: {text}")
        assert (line, column) == (1, 4)
        golden(f"{message}: {hint}")


def test_every_value_and_key_has_its_place() -> None:
    node, _ = parse("a:\n  - 1\n  - {b: two}\n", FILE)
    assert node is not None
    a = node.mapping["a"]
    b = a.child(1).mapping["b"]  # type: ignore[union-attr]
    assert (a.key_place.line, a.key_place.column, a.place.line, a.place.column) == (1, 1, 2, 3)  # type: ignore[union-attr]
    assert (b.key_place.column, b.place.column) == (6, 9)  # type: ignore[union-attr]
    assert (b.place.file, b.place.line, b.place.text_line) == (FILE, 3, "  - {b: two}")
    assert b.best_place is b.key_place


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(newline: str) -> None:
    node, _ = parse(newline.join(["# c", "a: 1", "b: [1]"]), FILE)
    assert node is not None
    assert node.plain() == {"a": 1, "b": [1]}
    assert (node.mapping["b"].place.line, node.mapping["b"].place.text_line) == (3, "b: [1]")


def test_an_alias_repeats_a_value_and_points_to_where_it_was_written() -> None:
    node, problems = parse("a: &x {p: 1}\nb: *x\n", FILE)
    assert node is not None
    assert (node.plain(), problems) == ({"a": {"p": 1}, "b": {"p": 1}}, [])
    b = node.mapping["b"]
    assert (b.place.line, b.best_place.line) == (1, 2)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: 1\nb: 2\na: 3", (3, 1)),
        ("{1: x}", (1, 2)),
        ("true: x", (1, 1)),
        ("? [a]\n: x", (1, 3)),
        ("a: {<<: {b: 1}}", (1, 5)),
        ("a: !!str 5", (1, 4)),
        ("a: !!python/object:os.system x", (1, 4)),
        ("a: !mine x", (1, 4)),
        ("a: 1\n--- \nb: 2", (2, 1)),
        ("a: *x", (1, 4)),
        ("a: &x [*x]", (1, 8)),
        ('a: "\\0"', (1, 4)),
        ('a: "\\uD800"', (1, 4)),
        ("a:\n\tb: 1", (2, 1)),
        ("a: b: c", (1, 5)),
        ("a: - b", (1, 4)),
        ("a: [,]", (1, 5)),
        ("a: 1\nb\nc: 1", (3, 1)),
        ("a: 1\n}", (2, 1)),
        ("a: [1\nb: 2", (2, 2)),
        ("a: {x: 1", (1, 9)),
        ("a: 'x", (1, 6)),
        ('a: "\\d"', (1, 6)),
        ("a: @x", (1, 4)),
        ("b: 1\na: \x07", (2, 4)),
        ('a: "\\UFFFFFFFF"', (1, 7)),
        ('a: "\\U00110000"', (1, 7)),
    ],
)
def test_text_that_is_no_recipe_is_an_error_at_its_line(
    text: str, place: tuple[int, int], golden: Golden
) -> None:
    [(line, column, message, hint)] = complaints(text)
    assert (line, column) == place
    golden(message)
    golden(hint)


def test_what_can_be_read_in_spite_of_a_problem_is_read() -> None:
    node, problems = parse("a: 1\na: 2\n3: 4\nb: !x 5", FILE)
    assert node is not None
    assert node.plain() == {"a": 1, "b": 5}
    assert [problem.place.line for problem in problems] == [2, 3, 4]


def test_depth_is_limited(golden: Golden) -> None:
    assert value("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    [(line, column, message, _)] = complaints("[" * 100_000)
    assert (line, column) == (1, MAX_DEPTH + 1)
    golden(message)
    nested_by_aliases = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 40))
    assert [other for _, _, other, _ in complaints(nested_by_aliases)] == [message]


def test_aliases_can_not_explode(golden: Golden) -> None:
    bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
    (line, _, message, _), *rest = complaints(bomb)
    assert (line, rest) == (5, [])
    golden(message)


@pytest.mark.parametrize("data", [b"", b"# only a comment\n", b"---\n...\n"])
def test_an_empty_file_is_null(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.yaml").write_bytes(data)
    node, problems = read_file(tmp_path / "x.yaml")
    assert node is not None
    assert (node.value, problems) == (None, [])


def test_a_byte_order_mark_does_not_shift_columns(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    node, _ = read_file(tmp_path / "x.yaml")
    assert node is not None
    assert (node.mapping["a"].place.column, node.mapping["a"].place.text_line) == (4, "a: 1")


def messages(path: Path) -> list[tuple[str, str]]:
    node, problems = read_file(path)
    assert node is None
    assert all(problem.place.line == 0 for problem in problems)
    return [(problem.message, problem.hint) for problem in problems]


def test_files_that_can_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_bytes(b"a: 1\nb: \xff\n")
    (tmp_path / "large.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    (tmp_path / "utf16.yaml").write_bytes("a: 1".encode("utf-16"))
    for name in ("recipy.yaml", "nowhere/x.yaml", ".", "recipe.yaml", "utf16.yaml", "large.yaml", "x" * 300):
        ((message, hint),) = messages(tmp_path / name)
        golden(f"{message}: {hint}")


PIECES = [
    "a",
    "b: ",
    "- ",
    "\n",
    "  ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'",
    '"',
    "\\",
    "&x ",
    "*x",
    "!t ",
    "? ",
    "<<: ",
]
PIECES += ["|", ">", "#", "%", "---", "...", "\t", "\r", "0x", "1e", ".", "~", "\x85", "\u2028", "é", "\\U"]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=2), max_size=25).map("".join))
def test_any_text_is_read_or_refused_with_a_place_in_it(text: str) -> None:
    node, problems = parse(text, FILE)
    assert node is not None or problems
    for problem in problems:
        assert problem.render()
        assert 1 <= problem.place.column <= len(problem.place.text_line) + 1
