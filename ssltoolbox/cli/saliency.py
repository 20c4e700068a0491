"""`ssltoolbox saliency`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import ALLOW_PARTIAL, ARCH, LocalPath, no_url, print_unused_gpu, print_warnings
from ssltoolbox.cli.output import libraries_loaded, new_console
from ssltoolbox.support.words import agreeing, counted

if TYPE_CHECKING:
    from rich.table import Table

    from ssltoolbox.engine.core.components import Components
    from ssltoolbox.engine.inspect.saliency import Seen
    from ssltoolbox.engine.inspect.source import NetworkSource
    from ssltoolbox.plan import Plan

MOST_FACES = 50


@click.command()
@click.argument("sources", metavar="RUN_OR_WEIGHTS…", nargs=-1, required=True, callback=no_url)
@click.option(
    "-o",
    "--output",
    type=LocalPath(dir_okay=False),
    default=Path("saliency.png"),
    show_default=True,
    help="The PNG.",
)
@click.option(
    "--recipe",
    type=LocalPath(),
    help="The recipe that gives the faces, and views for files of weights [the first run's].",
)
@click.option("--images", type=LocalPath(), help="A folder of face images, instead of a recipe's data.")
@click.option(
    "--count", type=click.IntRange(1, MOST_FACES), default=6, show_default=True, help="How many faces."
)
@ARCH
@ALLOW_PARTIAL
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
def saliency(
    sources: tuple[str, ...],
    output: Path,
    recipe: Path | None,
    images: Path | None,
    count: int,
    arch: str,
    allow_partial: bool,
    as_json: bool,
) -> None:
    """Draw which regions of a face the features depend on.

    The picture has a row for each face and a column for each network. The saliency of a region says how much the
    features change if the region is covered. If the faces have landmarks, the share of the saliency in eyes,
    brows and mouth is below each column. RUN_OR_WEIGHTS are as for `ssltoolbox evaluate`.

    \b
    Example:
        ssltoolbox saliency runs/mine random -o saliency.png
    """

    with libraries_loaded():
        from ssltoolbox.engine.core.components import Components
        from ssltoolbox.engine.inspect.saliency import saliency as write_saliency
        from ssltoolbox.engine.inspect.saliency.faces import faces_in, faces_of
        from ssltoolbox.engine.inspect.saliency.occlusion import occlusion_method
        from ssltoolbox.engine.inspect.source import (
            NO_TASKS,
            NetworkSource,
            check_weights,
            open_source,
            recipe_of_run,
        )

    if output.suffix.lower() != ".png":
        raise click.BadParameter(f"{output} is not a PNG file: end its name in .png", param_hint="'--output'")
    occlusion_method()
    shared = recipe or next(filter(None, map(recipe_of_run, sources)), None)
    plans = [_plan(NetworkSource(source, shared, arch, allow_partial)) for source in sources]
    for plan in plans:
        check_weights(plan)
    networks = _named(sources, plans)
    if images:
        faces = faces_in(images, count)
    elif recipe:
        source_of_faces = open_source(NetworkSource("random", recipe), (NO_TASKS,))
        print_warnings(source_of_faces)
        faces = faces_of(Components(source_of_faces), count)
    else:
        faces = faces_of(next(iter(networks.values())), count)
    for note in faces.unreadable:
        click.echo(f"can't be read, left out: {note}", err=True)
    console = new_console(soft_wrap=True)
    if not as_json:
        print_unused_gpu(console)
    seen = write_saliency(networks, faces, output)
    if as_json:
        click.echo(json.dumps(_numbers(seen, faces.names), indent=2, ensure_ascii=False))
        return
    console.print(_table(seen))
    found = f"{counted(len(faces.names), 'face')} seen by {counted(len(seen), 'network')}"
    console.print(f"{found} {agreeing(len(faces.names), 'is', 'are')} in {output}")


def _plan(network: NetworkSource) -> Plan:
    """A run keeps its own views; others take them from the recipe."""
    from ssltoolbox.engine.inspect.source import NO_TASKS, open_source

    own = Path(network.source).is_dir()
    return open_source(replace(network, recipe=None) if own else network, (NO_TASKS,), data_needed=False)


def _named(sources: Sequence[str], plans: Sequence[Plan]) -> dict[str, Components]:
    """The networks' components by recipe name; by what the user wrote, where names are the same."""
    from ssltoolbox.engine.core.components import Components

    times = Counter(plan.recipe.name for plan in plans)
    return {
        plan.recipe.name if times[plan.recipe.name] == 1 else source: Components(plan)
        for source, plan in zip(sources, plans, strict=True)
    }


def _numbers(seen: Mapping[str, Seen], faces: Sequence[str]) -> dict[str, object]:
    runs = {name: asdict(its.shares) if its.shares else None for name, its in seen.items()}
    return {"faces": list(faces), "networks": runs}


def _table(seen: Mapping[str, Seen]) -> Table:
    from rich.table import Table

    table = Table(title="Share of the saliency (share of the area)", title_justify="left")
    table.add_column("network")
    for region in ("eyes", "brows", "mouth", "together"):
        table.add_column(region, justify="right")
    for name, its in seen.items():
        shares = its.shares
        cells = (
            [f"{shares.saliency[r]:.1%} ({shares.area[r]:.1%})" for r in shares.saliency]
            if shares
            else ["–"] * 4
        )
        table.add_row(name, *cells)
    return table
