"""`ssltoolbox data extract`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import (
    FPS,
    LocalPath,
    PathOrUrl,
    located,
    print_first,
    print_passed_over,
    size_option,
)
from ssltoolbox.cli.data.detector import chosen_detector, detector_options, following_options
from ssltoolbox.cli.data.work import after_shard, work_options
from ssltoolbox.cli.errors import DONE, FAILED
from ssltoolbox.cli.output import new_console
from ssltoolbox.support.words import agreeing, counted

if TYPE_CHECKING:
    from ssltoolbox.api import Url
    from ssltoolbox.data.extract.output import VideoResult
    from ssltoolbox.plan.detector import DetectorMaker
    from ssltoolbox.support.clusters import Cluster
    from ssltoolbox.support.shard import Shard


@click.command()
@click.argument("videos", nargs=-1, required=True, type=LocalPath())
@click.option(
    "-o",
    "--output",
    type=PathOrUrl(file_okay=False),
    required=True,
    help="The folder, or its URL, such as s3://bucket/frames.",
)
@FPS
@size_option(224, "Height and width of the crops.")
@click.option(
    "--identity",
    type=click.Choice(["parent", "top", "video"]),
    default="parent",
    show_default=True,
    help="Which name a video's person gets: its folder, the top folder below VIDEOS, or the video.",
)
@click.option(
    "--min-seconds",
    type=click.FloatRange(min=0),
    default=2.0,
    show_default=True,
    help="Drop clips that are shorter than this.",
)
@following_options
@detector_options
@work_options
def extract(
    videos: tuple[Path, ...],
    output: Path | Url,
    fps: Fraction,
    size: int,
    scale: float,
    identity: str,
    min_seconds: float,
    lost: float,
    cut: float,
    detect_size: int,
    detector: DetectorMaker,
    workers: int | Cluster,
    shard: Shard | None,
) -> int:
    """Extract the faces of videos as clips of images.

    VIDEOS are files or folders. A clip follows one face through one shot, and becomes
    identity/video/clip/0000001.jpg in the output folder, with landmarks68.npy in the same folder. The number of a
    frame gives its time; if no face is found in a frame, its number is missing. If the command is interrupted,
    run it again: it continues with the videos that are not done. left_out.csv names each file that gave no clip,
    with the reason. If the output folder is a URL, the clips of a video are made in the cache folder and then
    copied.

    \b
    Example:
        ssltoolbox data extract videos -o frames
    """

    from ssltoolbox.data.extract.counts import FrameCounts, frames_shown
    from ssltoolbox.data.extract.folder import extract_videos
    from ssltoolbox.data.extract.video import Cropping
    from ssltoolbox.data.extract.videos import find_videos, other_files
    from ssltoolbox.support.paths import printable, refuse_no_utf8
    from ssltoolbox.support.progress import ProgressLine

    if isinstance(output, Path):
        refuse_no_utf8(output)
    found, others = find_videos(videos, identity), other_files(videos)  # type: ignore[arg-type]
    options = chosen_detector(detector).options.model_dump(mode="json")
    cropping = Cropping(fps, size, scale, cut, lost, min_seconds, detect_size)
    console = new_console(soft_wrap=True)
    shown, counts = ProgressLine(console, len(found), "videos"), FrameCounts(len(found))
    with frames_shown(shown, counts, [printable(video.path.name) for video in found]) as tick:
        outcomes = extract_videos(
            found,
            located(output),
            cropping,
            detector,
            {"name": detector.name, "options": options},
            workers=workers,
            tick=tick,
            others=others,
            counts=counts,
            shard=shard,
        )
    _print_damage(outcomes)
    _print_left_out(outcomes, others, output, complete=shard is None)
    for line in _summary(outcomes, output):
        console.print(line)
    if shard:
        console.print(after_shard(shard))
    return FAILED if outcomes and all(outcome.error for outcome in outcomes) else DONE


def _print_damage(outcomes: Sequence[VideoResult]) -> None:
    from ssltoolbox.support.paths import printable

    for outcome in outcomes:
        if left_out := outcome.extracted.damaged:
            click.echo(
                f"damaged: {printable(outcome.video)}: {counted(left_out, 'frame')} left out", err=True
            )


def _print_left_out(
    outcomes: Sequence[VideoResult], others: Sequence[Path], output: Path | Url, complete: bool
) -> None:
    """Names the first videos that gave no clip; if all videos are done, says where all of them are listed."""
    from ssltoolbox.data.extract.output import LEFT_OUT
    from ssltoolbox.support.paths import printable

    unreadable = [outcome for outcome in outcomes if outcome.error]
    empty = [outcome for outcome in outcomes if outcome.reason and not outcome.error]
    for group, one, all_of_them in (
        (unreadable, "can't be read", "can't be read"),
        (empty, "no clip", "gave no clip"),
    ):
        lines = [f"{one}: {printable(outcome.video)}: {outcome.reason}" for outcome in group]
        print_first(lines, f"{len(group):,} of {counted(len(outcomes), 'video')} {all_of_them}")
    print_passed_over(others)
    if complete and (unreadable or empty or others):
        click.echo(f"the list of them all, with why: {output}/{LEFT_OUT}", err=True)


def _summary(outcomes: Sequence[VideoResult], output: Path | Url) -> Iterator[str]:
    def total(what: str) -> int:
        return sum(getattr(outcome.extracted, what) for outcome in outcomes)

    yield f"looked for faces in {counted(total('looked_at'), 'frame')}, {total('without_face'):,} without one"
    if short := total("short"):
        yield f"dropped {counted(short, 'clip')}: shorter than --min-seconds"
    if sparse := total("sparse"):
        yield f"dropped {counted(sparse, 'clip')}: the video has fewer frames per second than --fps"
    read = sum(not outcome.error for outcome in outcomes)
    frames, clips = counted(total("frames"), "frame"), counted(total("clips"), "clip")
    yield f"{frames} of {clips} of {counted(read, 'video')} {agreeing(total('frames'), 'is', 'are')} in {output}"
