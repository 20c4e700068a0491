"""`ssltoolbox data`: from face videos to an index that runs read."""

from __future__ import annotations

import click

from ssltoolbox.cli.common import InOrder
from ssltoolbox.cli.data.extract import extract
from ssltoolbox.cli.data.index import index
from ssltoolbox.cli.data.info import info
from ssltoolbox.cli.data.landmarks import landmarks
from ssltoolbox.cli.data.pack import pack


@click.group(cls=InOrder)
def data() -> None:
    """Extract faces from videos, index frames, find landmarks."""


for command in (extract, index, landmarks, info, pack):
    data.add_command(command)
