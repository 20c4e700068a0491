import pickle
from pathlib import Path

import pytest
from helpers.golden import Golden
from hypothesis import given
from hypothesis import strategies as st

from ssltoolbox.api.suggest import suggest
from ssltoolbox.recipe import Place, RecipeError, RecipeProblem
from ssltoolbox.recipe.problems import quoted


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_problem_shows_its_line_a_caret_and_a_hint(here: Path, golden: Golden) -> None:
    line = "method: {name: simclar, temperature: 0.07}"
    place = Place(str(here / "recipes" / "x.yaml"), 5, 16, line)
    problem = RecipeProblem(place, "unknown method 'simclar'", "did you mean 'simclr'?")
    golden(problem.render())


def test_a_problem_of_a_file_as_a_whole_has_no_line(here: Path, golden: Golden) -> None:
    problem = RecipeProblem(Place(str(here / "x.yaml")), "there is no such file", "did you mean 'y.yaml'?")
    golden(problem.render())


def test_a_warning_is_marked_and_an_outside_path_is_absolute(here: Path, golden: Golden) -> None:
    problem = RecipeProblem(Place("/data/x.yaml", 12, 1, "a: 1"), "odd", warning=True)
    golden(problem.render())


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        ("\ta: 1", 2, ["  1 |     a: 1", "    |     ^"]),
        ("名: x", 4, ["  1 | 名: x", "    |     ^"]),
        ("e\u0301: x", 5, ["  1 | e\u0301: x", "    |    ^"]),
        ("a: \x1b[31m", 4, ["  1 | a: \\x1b[31m", "    |    ^"]),
        ("a: \u202ex", 5, ["  1 | a: \\u202ex", "    |          ^"]),
    ],
)
def test_the_caret_stands_under_its_character(line: str, column: int, expected: list[str]) -> None:
    assert RecipeProblem(Place("--set", 1, column, line), "m").render().split("\n")[1:] == expected


def test_of_a_long_line_the_part_around_the_caret_is_shown() -> None:
    _, text, caret = (
        RecipeProblem(Place("--set", 1, 501, "a" * 500 + "b" + "c" * 500), "m").render().split("\n")
    )
    assert text == "  1 | …" + "a" * 50 + "b" + "c" * 48 + "…"
    assert text[len(caret) - 1] == "b"


@given(st.text(), st.integers(1, 300))
def test_rendering_never_writes_control_characters(line: str, column: int) -> None:
    text = RecipeProblem(Place("--set", 1, column, line), quoted(line)).render()
    assert all(character.isprintable() or character == "\n" for character in text)
    assert len(text.split("\n")) == 3


def test_an_error_sorts_its_problems_drops_copies_and_counts() -> None:
    first, second = (RecipeProblem(Place("/r/x.yaml", line, 1, "a"), "bad") for line in (2, 10))
    on_command_line = RecipeProblem(Place("--set", 1, 1, "a=1"), "bad")
    warning = RecipeProblem(Place("/r/x.yaml", 3, 1, "a"), "odd", warning=True)
    error = RecipeError([on_command_line, second, first, warning, second], "/r/x.yaml")
    assert error.problems == [first, warning, second, on_command_line]
    assert str(error).endswith("\n3 problems in /r/x.yaml")
    assert str(RecipeError([first], "/r/x.yaml")) == first.render() + "\n1 problem in /r/x.yaml"


def test_an_error_can_be_sent_to_another_process() -> None:
    error = RecipeError([RecipeProblem(Place("/x.yaml", 1, 1, "a"), "bad")], "/x.yaml")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.problems) == (str(error), error.problems)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("simlcr", "simclr"),
        ("SimCLR", "simclr"),
        ("moco-v2", "mocov2"),
        ("mocov", "mocov2"),
        ("supervised", None),
        ("", None),
        ("simclr" * 1000, None),
    ],
)
def test_a_similar_name_is_suggested(word: str, expected: str | None) -> None:
    assert suggest(word, ["byol", "mocov2", "simclr"]) == expected


def test_a_suggestion_does_not_depend_on_the_order_of_the_known() -> None:
    assert suggest("ab", ["abc", "abd"]) == suggest("ab", ["abd", "abc"])


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_line_fits_the_terminal_and_the_caret_its_word(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    line = "optim: {name: adam, lr: 1.0e-3, weight_decay: 1.0e-4, schedule: cosine, warmup_stepz: 30}"
    place = Place("/data/x.yaml", 5, line.index("warmup") + 1, line)
    _, excerpt, caret = RecipeProblem(place, "unknown key").render().splitlines()
    assert excerpt[caret.index("^") :].startswith("warmup_stepz")
    assert len(excerpt) <= columns
