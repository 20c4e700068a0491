"""`ssltoolbox data index`."""

from __future__ import annotations

from pathlib import Path

import click

from ssltoolbox.cli.common import WORKERS

SHOWN = 5
"""How many of the files that were left out are named."""


@click.command()
@click.argument("frames", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="The index, such as vox1.index."
)
@click.option(
    "--fps",
    type=click.FloatRange(0.01, 1000),
    default=25 / 6,
    show_default="25/6",
    help="Frames per second where frames are numbered without gaps.",
)
@WORKERS
def index(frames: Path, output: Path, fps: float, workers: int | None) -> None:
    """Index FRAMES, a tree identity/video/clip/*.jpg|png, once and for all runs.

    VoxCeleb1's published trees are understood as they are, and landmarks68.npy files beside frames are taken up.
    Killed at any moment, the same command goes on where it was.
    """
    from rich.console import Console

    from ssltoolbox.cli.progress import progress
    from ssltoolbox.data.index.build import build_index, check_output
    from ssltoolbox.data.index.listing import frames_root, list_tree
    from ssltoolbox.data.workers import cores

    check_output(output)
    root = frames_root(frames)
    clips = list_tree(root, fps)
    console = Console(highlight=False, soft_wrap=True)
    with progress(sum(len(clip.paths) for clip in clips), console) as tick:
        built = build_index(root, clips, fps, output, workers=workers or cores(), tick=tick)
    for path, reason in built.skipped[:SHOWN]:
        click.echo(f"left out: {path}: {reason}", err=True)
    if built.skipped:
        click.echo(f"{len(built.skipped)} files could not be used: see {output}/skipped.csv", err=True)
    console.print(f"{built.frames:,} frames of {built.clips:,} clips are in {output}")
