"""Data that is listed before it is read: what a listing finds is shared by the facts and the splits of a run."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, Self, TypeVar

from ssltoolbox.api import DatasetOptions

T = TypeVar("T")


class ListedOptions(DatasetOptions):
    """The base of the options of a dataset that lists its files.

    Listing a large folder may take minutes. A run asks the same options for the facts and for its datasets, so the
    options keep what was found: the run sees the data as it was when the recipe was resolved.
    """

    @cached_property
    def _found(self) -> dict[Hashable, Any]:
        return {}

    def once(self, key: Hashable, find: Callable[[], T]) -> T:
        """What `find()` returned when it was first called for this key."""
        if key not in self._found:
            self._found[key] = find()
        found: T = self._found[key]
        return found

    def __copy__(self) -> Self:
        """A copy lists anew: it may be about to get other options, as by `model_copy`."""
        copied = super().__copy__()
        copied.__dict__.pop("_found", None)
        return copied
