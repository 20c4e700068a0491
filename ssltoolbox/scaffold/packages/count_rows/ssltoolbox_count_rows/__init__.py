"""CountRows: counts the rows that the network was trained on."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, hookimpl


class CountRowsOptions(Options):
    """How often the number is logged."""

    every: int = Field(default=10, ge=1)
    """Number of steps between two entries of the log."""


@hookimpl
def ssltoolbox_callbacks() -> Iterator[Descriptor]:
    yield Descriptor(
        name="count_rows",
        summary="Counts the rows that the network was trained on.",
        options=CountRowsOptions,
        target="ssltoolbox_count_rows.callback:CountRows",
        api=2,
    )
