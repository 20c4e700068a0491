"""`ssltoolbox data pack`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import LocalPath, PathOrUrl, located, size_option
from ssltoolbox.cli.data.index import print_built
from ssltoolbox.cli.data.work import work_options
from ssltoolbox.cli.output import new_console

if TYPE_CHECKING:
    from ssltoolbox.api import Url
    from ssltoolbox.support.clusters import Cluster
    from ssltoolbox.support.shard import Shard


@click.command()
@click.argument("index", type=LocalPath())
@click.option(
    "-o",
    "--output",
    type=PathOrUrl(),
    required=True,
    help="The packed index, such as packed.index; or its URL, such as s3://bucket/packed.index.",
)
@size_option(128, "Height and width that frames are resized to, in pixels; set the same size in the recipe.")
@click.option(
    "--jpeg",
    "quality",
    type=click.IntRange(1, 100),
    metavar="QUALITY",
    help="Store JPEGs of this quality, such as 90 [uncompressed pixels].",
)
@work_options
def pack(
    index: Path,
    output: Path | Url,
    size: int,
    quality: int | None,
    workers: int | Cluster,
    shard: Shard | None,
) -> None:
    """Copy the frames of an index, resized, into a packed index.

    Reading them takes less CPU time. The packed index replaces INDEX in a recipe. If the command is
    interrupted, run it again to continue. For a URL, the index is first made in the cache folder.

    \b
    Example:
        ssltoolbox data pack faces.index -o packed.index --size 128 --jpeg 90
    """

    from ssltoolbox.data.index.pack import pack_index
    from ssltoolbox.data.index.reader import FrameIndex
    from ssltoolbox.data.index.schema import Packing
    from ssltoolbox.support.progress import progress

    frames = FrameIndex(index)
    packing = Packing(size=size, encoding="jpeg" if quality else "raw", quality=quality)
    location = located(output)
    console = new_console(soft_wrap=True)
    with progress(console, len(frames)) as tick:
        built = pack_index(frames, packing, location, workers=workers, tick=tick, shard=shard)
    print_built(built, output, shard, console)
