"""`ssltoolbox data index`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import click

from ssltoolbox.cli.common import FPS, WORKERS, LocalPath
from ssltoolbox.cli.output import new_console
from ssltoolbox.support.words import counted

SHOWN = 5
"""How many of the files that were left out are named."""


@click.command()
@click.argument("frames", type=LocalPath())
@click.option("-o", "--output", type=LocalPath(), required=True, help="The index, such as vox1.index.")
@FPS
@click.option(
    "--root",
    type=LocalPath(),
    help="Of a CSV or Parquet file: the folder that its paths are below [the file's].",
)
@click.option(
    "--follow-links", is_flag=True, help="Also read what lies behind links that lead out of the folder."
)
@WORKERS
def index(
    frames: Path, output: Path, fps: Fraction, root: Path | None, follow_links: bool, workers: int | None
) -> None:
    """Index FRAMES once and for all runs.

    FRAMES is a tree identity/video/clip/*.jpg, VoxCeleb1's published ones among them, and landmarks68.npy
    files beside frames are taken up. Or it is a CSV or Parquet file with the columns path, identity, and where
    known video, clip, frame, time, expression, valence, arousal.

    Killed at any moment, the same command goes on where it was.
    """

    from ssltoolbox.api.errors import counted_list
    from ssltoolbox.data.images.tree import Tree
    from ssltoolbox.data.index.build import build_index, check_output
    from ssltoolbox.data.index.listing import frames_root, list_tree
    from ssltoolbox.data.index.schema import SKIPPED
    from ssltoolbox.data.index.table import TYPES, list_table
    from ssltoolbox.support.progress import progress
    from ssltoolbox.support.workers import cores

    check_output(output)
    left_out: Sequence[tuple[str, str]] = ()
    if frames.suffix.lower() in TYPES:
        root = root or frames.absolute().parent
        table = list_table(frames, root, float(fps))
        clips = table.clips
        if table.repeated:
            click.echo(f"left out: {counted(table.repeated, 'row')} that repeat one before", err=True)
        if table.unused:
            click.echo(f"columns that are not used: {', '.join(table.unused)}", err=True)
    elif root:
        raise click.BadParameter("only for a CSV or Parquet file", param_hint="'--root'")
    else:
        root = frames_root(frames)
        tree = Tree(root, follow_links=follow_links, lenient=True)
        clips, left_out = list_tree(tree, float(fps)), tree.reasons
        if tree.left_out:
            click.echo(f"left out: {counted_list(tree.left_out)}", err=True)
    console = new_console(soft_wrap=True)
    with progress(console, sum(len(clip.paths) for clip in clips)) as tick:
        built = build_index(
            root,
            clips,
            float(fps),
            output,
            workers=workers or cores(),
            tick=tick,
            follow_links=follow_links,
            left_out=left_out,
        )
    say_skipped(built.skipped, output / SKIPPED)
    console.print(f"{counted(built.frames, 'frame')} of {counted(built.clips, 'clip')} are in {output}")


def say_skipped(skipped: Sequence[tuple[str, str]], record: Path) -> None:
    """Names the first files that were left out, and the record of all of them."""
    for path, reason in skipped[:SHOWN]:
        click.echo(f"left out: {path}: {reason}", err=True)
    if skipped:
        click.echo(f"{counted(len(skipped), 'file')} could not be used: see {record}", err=True)
