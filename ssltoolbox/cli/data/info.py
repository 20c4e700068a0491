"""`ssltoolbox data info`."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import LocalPath
from ssltoolbox.cli.output import new_console
from ssltoolbox.support.words import counted

if TYPE_CHECKING:
    from ssltoolbox.data.index.info import Answers, IndexInfo
    from ssltoolbox.data.index.reader import FrameIndex
    from ssltoolbox.registry import Provided


@click.command()
@click.argument("index", type=LocalPath())
@click.option(
    "-o",
    "--output",
    type=LocalPath(dir_okay=False),
    help="Also draw a contact sheet, a PNG.",
)
@click.option("--json", is_flag=True, help="Print JSON.")
def info(index: Path, output: Path | None, json: bool) -> None:
    """Say what INDEX holds.

    With how many of its clips are long enough for each strategy.
    """
    from dataclasses import asdict

    from ssltoolbox.data.index.info import index_info
    from ssltoolbox.data.index.reader import FrameIndex

    if output and output.suffix.lower() != ".png":
        raise click.BadParameter(f"{output} is no PNG: end its name in .png", param_hint="'--output'")
    frames = FrameIndex(index)
    facts = index_info(frames)
    strategies = dict(_long_enough(frames))
    if output:
        from ssltoolbox.data.index.sheet import write_sheet

        frames.check_root()
        write_sheet(frames, output)
    if json:
        click.echo(json_module.dumps(asdict(facts) | {"long_enough": strategies}, indent=2))
    else:
        _print(index, facts, strategies)


def _long_enough(index: FrameIndex) -> Iterator[tuple[str, int]]:
    """The strategies that choose frames, with their options' defaults, and how many clips do for each."""
    from ssltoolbox.data.index.info import clips_long_enough
    from ssltoolbox.registry import discover

    for item in discover().all():
        if answers := _answers(item):
            yield item.descriptor.name, clips_long_enough(index, answers)


def _answers(item: Provided) -> Answers | None:
    """Asks the strategy with its options' defaults; None for what chooses no frames or has no defaults."""
    from pydantic import ValidationError

    from ssltoolbox.api import Kind, PositiveGenerator

    if item.kind not in (Kind.POSITIVE_GENERATORS, Kind.NEGATIVE_SAMPLERS):
        return None
    try:
        strategy = item.load()(item.descriptor.options())
    except ValidationError:
        return None
    if item.kind == Kind.NEGATIVE_SAMPLERS:
        return lambda clip, anchor, rng: len(strategy.pick(clip, anchor, rng)) >= strategy.options.count
    if type(strategy).pick is PositiveGenerator.pick:
        return None
    return lambda clip, anchor, rng: strategy.pick(clip, anchor, rng) is not None


def _print(index: Path, info: IndexInfo, long_enough: dict[str, int]) -> None:
    from rich.table import Table

    table = Table(title=str(index), title_justify="left", title_style="bold", show_header=False, box=None)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _rows(info):
        table.add_row(name, text)
    for name, clips in long_enough.items():
        table.add_row(name, f"{clips:,} of {counted(info.clips, 'clip')} are long enough")
    new_console().print(table)


def _rows(info: IndexInfo) -> Iterator[tuple[str, str]]:
    yield "identities", f"{info.identities:,}"
    yield "videos", f"{info.videos:,}"
    lengths = f"{info.shortest:,} to {info.longest:,} frames, median {info.median:g}"
    yield "clips", f"{info.clips:,}, {lengths}"
    hours = f"{info.seconds / 3600:.1f} hours" if info.seconds >= 3600 else f"{info.seconds:.1f} seconds"
    yield "frames", f"{info.frames:,}, {hours} at {info.fps:.3g} per second"
    smallest, largest = ("{} × {}".format(*size) for size in (info.smallest, info.largest))
    yield "images", smallest if smallest == largest else f"{smallest} to {largest} pixels"
    yield "stored as", info.stored
    if info.faceless is None:
        yield "landmarks", "none yet: ssltoolbox data landmarks finds them"
    else:
        yield "landmarks", f"by {info.detector}; {counted(info.faceless, 'frame')} without a face"
    for name, frames in info.labels.items():
        yield name, f"known of {counted(frames, 'frame')}"
    if info.skipped:
        yield "left out", f"{counted(info.skipped, 'file')} that could not be used: see skipped.csv"
