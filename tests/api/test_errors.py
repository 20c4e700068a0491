"""Errors say what is wrong and what to do."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssltoolbox.api import DataNotFound, SslToolboxError, UserError
from ssltoolbox.api.errors import one_of
from ssltoolbox.api.suggest import suggest

NAMES = st.lists(st.permutations("abcdef_").map("".join), min_size=1, unique=True)


@pytest.mark.parametrize(
    ("error", "text"),
    [(UserError("no frames"), "no frames"), (UserError("no frames", "add some"), "no frames; add some")],
)
def test_a_hint_follows_the_message(error: UserError, text: str) -> None:
    assert str(error) == text
    assert error.message == "no frames"


def test_data_that_is_not_there_is_the_user_s_to_mend() -> None:
    assert issubclass(DataNotFound, UserError)
    assert issubclass(UserError, SslToolboxError)


def test_an_error_survives_the_way_from_a_worker() -> None:
    """Loader workers send exceptions through a pipe."""
    error = pickle.loads(pickle.dumps(DataNotFound("no frames", "add some")))
    assert (type(error), str(error)) == (DataNotFound, "no frames; add some")
    assert (error.message, error.hint) == ("no frames", "add some")


@given(NAMES)
def test_a_known_word_is_suggested_for_itself(names: list[str]) -> None:
    for name in names:
        assert suggest(name, names) == name


@given(NAMES, st.data())
def test_a_word_with_one_letter_missing_has_a_suggestion(names: list[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(names))
    place = data.draw(st.integers(0, len(name) - 1))
    assert suggest(name[:place] + name[place + 1 :], names) in names


@given(st.text(), NAMES)
def test_a_suggestion_is_a_known_word(word: str, names: list[str]) -> None:
    assert suggest(word, names) in {None, *names}


def test_an_enumeration_is_sorted() -> None:
    assert [one_of(names) for names in (["a"], ["b", "a"], ["c", "a", "b"])] == ["a", "a or b", "a, b or c"]
