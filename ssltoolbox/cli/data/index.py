"""`ssltoolbox data index`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import FPS, LocalPath, PathOrUrl, located, print_first
from ssltoolbox.cli.data.work import after_shard, work_options
from ssltoolbox.cli.output import new_console
from ssltoolbox.support.words import agreeing, counted

if TYPE_CHECKING:
    from rich.console import Console

    from ssltoolbox.api import Url
    from ssltoolbox.data.index.build import Built
    from ssltoolbox.data.index.listing import ClipListing
    from ssltoolbox.data.label_options import WrittenLabel
    from ssltoolbox.support.clusters import Cluster
    from ssltoolbox.support.shard import Shard


@click.command()
@click.argument("frames", type=PathOrUrl())
@click.option(
    "-o",
    "--output",
    type=PathOrUrl(),
    required=True,
    help="The index, such as vox1.index; or its URL, such as s3://bucket/vox1.index.",
)
@FPS
@click.option(
    "--root",
    type=LocalPath(),
    help="For a CSV or Parquet file: the folder that its paths are relative to [the file's folder].",
)
@click.option(
    "--labels",
    help="For a CSV or Parquet file, in YAML: the types of labels, if they can't be guessed, such as "
    "'{emotion: [happy, sad], aus: {columns: [au1, au2]}}'.",
)
@click.option("--follow-links", is_flag=True, help="Also follow links that lead out of the folder.")
@work_options
def index(
    frames: Path | Url,
    output: Path | Url,
    fps: Fraction,
    root: Path | None,
    labels: str | None,
    follow_links: bool,
    workers: int | Cluster,
    shard: Shard | None,
) -> None:
    """Index frames and landmarks once, so that runs start quickly.

    A folder may be a URL. If the command is interrupted, run it again to continue.

    \b
    FRAMES is one of these:
      a folder identity/video/clip/*.jpg, such as VoxCeleb1's;
        landmarks68.npy in the folder of a clip is optional
      a folder of tar files with such paths, each with whole clips;
        .json and .cls files in them contain labels
      a CSV or Parquet file with the columns path and identity;
        split, video, clip, frame and time are optional,
        and each other column is a label

    \b
    Example:
        ssltoolbox data index frames -o faces.index
    """

    from ssltoolbox.api.errors import and_of
    from ssltoolbox.data.index.build import build_index
    from ssltoolbox.data.index.columns import TYPES
    from ssltoolbox.data.index.folders import list_folder
    from ssltoolbox.data.index.output import check_output
    from ssltoolbox.data.index.table import list_table
    from ssltoolbox.support.progress import ProgressLine

    location = located(output)
    check_output(location)
    if str(frames).lower().endswith(TYPES):
        if not isinstance(frames, Path):
            raise click.BadParameter("a table of frames must be on this machine", param_hint="'FRAMES'")
        home = root or frames.absolute().parent
        listing = list_table(frames, home, float(fps), written_labels(labels), follow_links)
        _print_columns(listing, "columns that are not used")
    elif root or labels:
        hint = "'--root'" if root else "'--labels'"
        raise click.BadParameter("only for a CSV or Parquet file", param_hint=hint)
    else:
        listing = list_folder(located(frames), float(fps), follow_links)
        _print_columns(listing, "keys that are not labels")
    console = new_console(soft_wrap=True)
    line = ProgressLine(console, 0)

    def listed(frames: int) -> None:
        if others := listing.left_out():
            things = and_of(counted(number, thing) for thing, number in others.items())
            click.echo(f"left out: {things}", err=True)
        line.start(frames)

    try:
        built = build_index(listing, location, workers=workers, tick=line.advance, listed=listed, shard=shard)
    finally:
        line.stop()
    print_built(built, output, shard, console)


def print_built(built: Built | None, output: Path | Url, shard: Shard | None, console: Console) -> None:
    """Prints what is in a new index, and what was left out; after a shard, what to do next."""
    from ssltoolbox.data.index.schema import SKIPPED

    if built is None:
        console.print(after_shard(shard))
        return
    print_skipped(built.skipped, f"{output}/{SKIPPED}")
    found = f"{counted(built.frames, 'frame')} of {counted(built.clips, 'clip')}"
    console.print(f"{found} {agreeing(built.frames, 'is', 'are')} in {output}")


def _print_columns(listing: ClipListing, unused: str) -> None:
    """Prints the labels, and the columns or keys that are none."""
    if listing.labels:
        click.echo(f"labels: {', '.join(listing.labels)}", err=True)
    if listing.repeated:
        repeat = agreeing(listing.repeated, "repeats", "repeat")
        click.echo(f"left out: {counted(listing.repeated, 'row')} that {repeat} one before", err=True)
    if listing.unused:
        click.echo(f"{unused}: {', '.join(listing.unused)}", err=True)


def written_labels(text: str | None) -> dict[str, WrittenLabel]:
    """What `--labels` says.

    Raises:
        BadParameter: where it is no YAML, or says nothing that a label can be.
    """
    import yaml
    from pydantic import TypeAdapter, ValidationError

    from ssltoolbox.data.label_options import WrittenLabel

    try:
        return TypeAdapter(dict[str, WrittenLabel]).validate_python(yaml.safe_load(text or "{}"))
    except (yaml.YAMLError, ValidationError) as error:
        advice = "write such as {emotion: [happy, sad], age: number}"
        raise click.BadParameter(
            f"{text!r} does not say what labels are: {advice}", param_hint="'--labels'"
        ) from error


def print_skipped(skipped: Sequence[tuple[str, str]], record: Path | str) -> None:
    """Names the first files that were left out, and the record of all of them."""
    lines = [f"left out: {path}: {reason}" for path, reason in skipped]
    print_first(lines, f"{counted(len(lines), 'file')} could not be used: see {record}")
