"""Options that keep what was listed for them."""

import copy
import pickle

from ssltoolbox.data.listed import ListedOptions


class Shelf(ListedOptions):
    books: int = 3

    def titles(self, seen: list[int]) -> range:
        return self.once("titles", lambda: seen.append(self.books) or range(self.books))


def test_a_listing_is_made_once() -> None:
    shelf, seen = Shelf(), []
    assert shelf.titles(seen) is shelf.titles(seen)
    assert seen == [3]


def test_other_options_list_for_themselves() -> None:
    shelf, seen = Shelf(), []
    shelf.titles(seen)
    assert len(shelf.model_copy(update={"books": 5}).titles(seen)) == 5
    assert len(Shelf(books=4).titles(seen)) == 4
    assert seen == [3, 5, 4]


def test_what_was_listed_is_no_option() -> None:
    shelf = Shelf()
    shelf.titles([])
    assert shelf == Shelf()
    assert hash(shelf) == hash(Shelf())
    assert shelf.model_dump() == {"books": 3}
    for other in (copy.copy(shelf), copy.deepcopy(shelf), pickle.loads(pickle.dumps(shelf))):
        assert other == shelf
        assert list(other.titles([])) == [0, 1, 2]
