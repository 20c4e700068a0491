"""Options of datasets that list files: facts and splits of a run share one listing."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, Self, TypeVar

from ssltoolbox.api import DatasetOptions

T = TypeVar("T")


class ListedOptions(DatasetOptions):
    """The base of the options of a dataset that lists its files.

    Listing a large folder may take minutes, so the options cache the listing. A run uses the same options for the
    facts and the datasets, and so sees the data as it was when the recipe was resolved.
    """

    @cached_property
    def _found(self) -> dict[Hashable, Any]:
        return {}

    def once(self, key: Hashable, find: Callable[[], T]) -> T:
        """The cached result of `find()` for this key."""
        if key not in self._found:
            self._found[key] = find()
        found: T = self._found[key]
        return found

    def __copy__(self) -> Self:
        """A copy without the cache, because `model_copy` may change its options."""
        copied = super().__copy__()
        copied.__dict__.pop("_found", None)
        return copied
