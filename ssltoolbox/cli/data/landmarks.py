"""`ssltoolbox data landmarks`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import LocalPath
from ssltoolbox.cli.data.detector import chosen_detector, detector_options
from ssltoolbox.cli.data.index import print_skipped
from ssltoolbox.cli.data.work import after_shard, work_options
from ssltoolbox.cli.errors import DONE, FAILED
from ssltoolbox.cli.output import new_console
from ssltoolbox.support.words import counted

if TYPE_CHECKING:
    from ssltoolbox.plan.detector import DetectorMaker
    from ssltoolbox.support.clusters import Cluster
    from ssltoolbox.support.shard import Shard


@click.command()
@click.argument("index", type=LocalPath())
@detector_options
@work_options
def landmarks(
    index: Path,
    detector: DetectorMaker,
    workers: int | Cluster,
    shard: Shard | None,
) -> int:
    """Find 68 landmarks in every frame of an index.

    They replace landmarks that the index already has. If the command is interrupted, run it again to continue.

    \b
    Example:
        ssltoolbox data landmarks faces.index --detector dlib
    """

    from ssltoolbox.data.index.detect import find_landmarks
    from ssltoolbox.data.index.reader import FrameIndex
    from ssltoolbox.data.index.schema import LANDMARKS_SKIPPED
    from ssltoolbox.support.progress import progress

    frames = FrameIndex(index)
    options = chosen_detector(detector).options.model_dump(mode="json")
    console = new_console(soft_wrap=True)
    with progress(console, len(frames)) as tick:
        found = find_landmarks(
            frames, detector, detector.name, options, workers=workers, tick=tick, shard=shard
        )
    if found is None:
        console.print(after_shard(shard))
        return DONE
    print_skipped(found.skipped, index / LANDMARKS_SKIPPED)
    without = found.frames - found.faces - len(found.skipped)
    counts = f"{counted(found.frames, 'frame')}: {found.faces:,} with a face, {without:,} without"
    console.print(f"{counts}; found by {detector.name}")
    return FAILED if len(found.skipped) == found.frames else DONE
