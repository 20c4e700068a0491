"""An option that names another dataset, for a dataset that wraps it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, Self

from pydantic import PrivateAttr, model_validator

from ssltoolbox.api.datasets import Split
from ssltoolbox.api.options import DataFacts, DatasetOptions, Options, facts_of

if TYPE_CHECKING:
    from ssltoolbox.api.datasets import Dataset


class Provider(Protocol):
    """The registry's entry of the dataset."""

    def load(self) -> Any:
        """The dataset's target."""
        ...

    def blamed_for(self, what: str) -> AbstractContextManager[None]:
        """A context in which errors of the dataset's code name the dataset."""
        ...


class NamedDataset(Options, extra="allow"):
    """The type of an option that names another dataset: `{name: frames, root: faces}`, as under a recipe's `data`.

    The engine looks the dataset up after it has parsed the options. Before that, in validators of the options,
    `options`, `facts` and `open` raise a RuntimeError.

    Examples:
        >>> class SubsetOptions(DatasetOptions):
        ...     dataset: NamedDataset
        ...     '''The dataset; every other clip of it is used.'''
        ...     def facts(self, split="train"):
        ...         return self.dataset.facts(split)
        >>> SubsetOptions(dataset={"name": "frames", "root": "faces"}).dataset.name
        'frames'
    """

    name: str
    """The dataset's name."""

    _options: DatasetOptions | None = PrivateAttr(default=None)
    _provider: Provider | None = PrivateAttr(default=None)

    @model_validator(mode="before")
    @classmethod
    def _long_form(cls, written: Any) -> Any:
        return {"name": written} if isinstance(written, str) else written

    def found(self, options: DatasetOptions, provider: Provider) -> Self:
        """A copy with the dataset's parsed options and its provider. The engine calls this."""
        spelled_out = {"name": self.name, **options.model_dump(mode="json", by_alias=True)}
        named = type(self).model_validate(spelled_out)
        named._options, named._provider = options, provider
        return named

    @property
    def options(self) -> DatasetOptions:
        """The dataset's options, as parsed."""
        return self._known()[0]

    def facts(self, split: Split = "train") -> DataFacts:
        """Facts of a split; for a dataset whose `facts()` takes no argument, those of train.

        Raises:
            DataNotFound, UserError: see `DatasetOptions.facts`.
        """
        options, provider = self._known()
        with provider.blamed_for("facts()"):
            return facts_of(options, split) or options.facts()

    def open(self, split: Split) -> Dataset:
        """Opens a split of the dataset. Call it in the `__init__` of the dataset that wraps it."""
        options, provider = self._known()
        dataset: Dataset = provider.load()(options, split)
        return dataset

    def _known(self) -> tuple[DatasetOptions, Provider]:
        if self._options is None or self._provider is None:
            raise RuntimeError(f"dataset {self.name!r} is not looked up yet")
        return self._options, self._provider

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NamedDataset):
            return NotImplemented
        return (self.name, self.model_extra) == (other.name, other.model_extra)


def named_datasets(options: Options) -> Iterator[tuple[str, int | None, NamedDataset]]:
    """The datasets that options name: the field, the position if the field is a tuple, and the dataset."""
    for field in type(options).model_fields:
        value = getattr(options, field)
        if isinstance(value, NamedDataset):
            yield field, None, value
        elif isinstance(value, tuple):
            yield from ((field, at, each) for at, each in enumerate(value) if isinstance(each, NamedDataset))
