"""`ssltoolbox data info`."""

from __future__ import annotations

import json as json_module
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ssltoolbox.cli.common import LocalPath
from ssltoolbox.cli.data.index import written_labels
from ssltoolbox.cli.output import new_console
from ssltoolbox.support.words import agreeing, counted

if TYPE_CHECKING:
    from rich.table import Table

    from ssltoolbox.data.index.info import Answers, IndexInfo
    from ssltoolbox.data.index.reader import FrameIndex
    from ssltoolbox.data.labelled.overview import Overview
    from ssltoolbox.registry import Provided


@click.command()
@click.argument("data", type=LocalPath())
@click.option("-o", "--output", type=LocalPath(dir_okay=False), help="Also draw a contact sheet, a PNG.")
@click.option(
    "--root",
    type=LocalPath(),
    help="For a table: the folder that its paths are relative to [the table's folder].",
)
@click.option(
    "--label",
    default="",
    help="For a table or folders: the label whose classes the sheet shows [the first one].",
)
@click.option(
    "--labels", help="For a table, in YAML: the types of labels, if they can't be guessed; see data index."
)
@click.option("--dataset", default="", help="Count DATA as the root of this dataset, such as affectnet.")
@click.option(
    "--follow-links", is_flag=True, help="For a table or folders: also follow links that lead out of them."
)
@click.option(
    "--copies",
    is_flag=True,
    help="For labels with splits: also count images of val and test whose file is the same as an earlier one. "
    "Reads all files.",
)
@click.option("--json", is_flag=True, help="Print JSON.")
def info(
    data: Path,
    output: Path | None,
    root: Path | None,
    label: str,
    labels: str | None,
    dataset: str,
    follow_links: bool,
    copies: bool,
    json: bool,
) -> None:
    """Count frames, clips, people and labels of DATA.

    DATA is an index, a table (CSV or Parquet), or folders <split>/<class> or <class>. For an index, the
    command also counts the clips that are long enough for each strategy that needs only frames.

    \b
    Example:
        ssltoolbox data info faces.index -o sheet.png
    """
    if output and output.suffix.lower() != ".png":
        raise click.BadParameter(f"{output} is not a PNG file: end its name in .png", param_hint="'--output'")
    if dataset:
        _dataset_info(data, dataset, output, copies, json)
    elif data.is_file():
        options = {
            "table": data,
            "root": root,
            "labels": written_labels(labels),
            "follow_links": follow_links,
        }
        _labelled_info(data, options, label, output, copies, json)
    elif _has_classes(data):
        _labelled_info(data, {"root": data, "follow_links": follow_links}, label, output, copies, json)
    elif copies:
        raise click.UsageError("--copies compares labelled images of splits, and no index")
    else:
        _index_info(data, output, json)


def _has_classes(folder: Path) -> bool:
    """Whether a path is a folder of images in folders of classes, neither an index nor a tree of clips."""
    from ssltoolbox.data.index.schema import is_index
    from ssltoolbox.data.labelled.own.listing import is_labelled

    return folder.is_dir() and not is_index(folder) and is_labelled(folder)


def _labelled_info(
    data: Path, options: dict[str, Any], label: str, output: Path | None, copies: bool, json: bool
) -> None:
    from ssltoolbox.data.labelled.overview import overview_of, write_class_sheet
    from ssltoolbox.data.labelled.own.options import LabelledOptions

    listed = LabelledOptions(**options)
    overview = overview_of(listed, copies)
    if output:
        write_class_sheet(listed, label, output)
    _print_overview(data, overview, json)


def _dataset_info(root: Path, name: str, output: Path | None, copies: bool, json: bool) -> None:
    from ssltoolbox.api import DatasetOptions, Kind
    from ssltoolbox.data.labelled.overview import overview_of
    from ssltoolbox.plan.single import choose_typed

    if output:
        raise click.UsageError("--output draws tables, folders and indexes, and no --dataset")
    written = json_module.dumps({"name": name, "root": str(root)})
    chosen = choose_typed(Kind.DATASETS, "--dataset", written)
    assert isinstance(chosen.options, DatasetOptions)
    _print_overview(root, overview_of(chosen.options, copies), json)


def _print_overview(data: Path, overview: Overview, json: bool) -> None:
    from dataclasses import asdict

    if json:
        click.echo(json_module.dumps(asdict(overview), indent=2))
        return
    console = new_console()
    console.print(_counts_table(str(data), overview.splits))
    for name, classes in overview.labels.items():
        console.print(_counts_table(name, classes))
    for note in overview.notes:
        console.print(note, highlight=False, markup=False)


def _counts_table(title: str, counts: Mapping[str, Mapping[str, int]]) -> Table:
    """A row for each name, a column for each of its counts."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=None)
    table.add_column("", style="dim")
    for name in next(iter(counts.values())):
        table.add_column(name, justify="right")
    for name, row in counts.items():
        table.add_row(name, *(f"{count:,}" for count in row.values()))
    return table


def _index_info(index: Path, output: Path | None, json: bool) -> None:
    from dataclasses import asdict

    from ssltoolbox.data.index.info import index_info
    from ssltoolbox.data.index.reader import FrameIndex

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
    """Asks the strategy with its options' defaults.

    None for what chooses no frames, has no defaults, or needs more than the times of a clip, such as landmarks:
    the length of a clip does not decide whether it has an answer.
    """
    from pydantic import ValidationError

    from ssltoolbox.api import Kind, PositiveGenerator

    if item.kind not in (Kind.POSITIVE_GENERATORS, Kind.NEGATIVE_SAMPLERS):
        return None
    if item.descriptor.needs:
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
    from ssltoolbox.cli.named_texts import titled

    new_console().print(titled(str(index), _rows(info, long_enough)))


def _rows(info: IndexInfo, long_enough: dict[str, int]) -> Iterator[tuple[str, str]]:
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
        yield name, f"known of {counted(frames, 'frame')}" + _of_classes(info.classes.get(name, {}))
    for split, clips in info.splits.items():
        yield split, counted(clips, "clip")
    if info.skipped:
        yield "left out", f"{counted(info.skipped, 'file')} that could not be used: see skipped.csv"
    for name, clips in long_enough.items():
        are = agreeing(clips, "is", "are")
        yield name, f"{clips:,} of {counted(info.clips, 'clip')} {are} long enough"


def _of_classes(counts: Mapping[str, int]) -> str:
    """How many frames each class has, in words."""
    return ": " + ", ".join(f"{name} {count:,}" for name, count in counts.items()) if counts else ""
