"""`ssltoolbox data`: from face videos to an index that runs read."""

from __future__ import annotations

import click

from ssltoolbox.cli.data_index import index


@click.group()
def data() -> None:
    """Data on disk: index frames, look at an index."""


for command in (index,):
    data.add_command(command)
