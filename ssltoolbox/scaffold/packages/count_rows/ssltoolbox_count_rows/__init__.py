"""CountRows: how many rows a network was trained on."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, hookimpl


class CountRowsOptions(Options):
    """How often it logs."""

    every: int = Field(default=10, ge=1)
    """Steps from one entry of the log to the next."""


@hookimpl
def ssltoolbox_callbacks() -> Iterator[Descriptor]:
    yield Descriptor(
        name="count_rows",
        summary="Counts the rows that a network was trained on.",
        options=CountRowsOptions,
        target="ssltoolbox_count_rows.callback:CountRows",
        api=2,
    )
