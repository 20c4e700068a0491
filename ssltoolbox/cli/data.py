"""`ssltoolbox data`: from face videos to an index that runs read."""

from __future__ import annotations

import click

from ssltoolbox.cli.data_index import index
from ssltoolbox.cli.data_landmarks import landmarks


@click.group()
def data() -> None:
    """Data on disk: index frames, find landmarks."""


for command in (index, landmarks):
    data.add_command(command)
