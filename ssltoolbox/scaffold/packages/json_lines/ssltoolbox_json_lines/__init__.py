"""JsonLines: writes metrics as lines of JSON."""

from collections.abc import Iterator

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, hookimpl


class JsonLinesOptions(Options):
    """Where the metrics are written."""

    file: str = Field(default="metrics.jsonl", pattern=r"^[\w.-]+$")
    """Name of the file in the run folder."""


@hookimpl
def ssltoolbox_loggers() -> Iterator[Descriptor]:
    yield Descriptor(
        name="json_lines",
        summary="A line of JSON for each logged step.",
        options=JsonLinesOptions,
        target="ssltoolbox_json_lines.logger:JsonLines",
        api=2,
    )
