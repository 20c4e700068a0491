"""`ssltoolbox data`: from face videos to an index that runs read."""

from __future__ import annotations

import click

from ssltoolbox.cli.data_extract import extract
from ssltoolbox.cli.data_index import index
from ssltoolbox.cli.data_info import info
from ssltoolbox.cli.data_landmarks import landmarks
from ssltoolbox.cli.data_pack import pack


@click.group()
def data() -> None:
    """Faces out of videos, an index of frames, their landmarks."""


for command in (extract, index, info, landmarks, pack):
    data.add_command(command)
