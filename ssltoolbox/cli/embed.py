"""`ssltoolbox embed`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import (
    ALLOW_PARTIAL,
    ARCH,
    FROM_RECIPE,
    SET,
    SOURCE,
    LocalPath,
    no_url,
    print_unused_gpu,
)
from ssltoolbox.cli.output import libraries_loaded, new_console
from ssltoolbox.support.words import agreeing, counted

if TYPE_CHECKING:
    from ssltoolbox.recipe import Override


@click.command()
@SOURCE
@click.argument("data", callback=no_url)
@click.option(
    "-o",
    "--output",
    type=LocalPath(dir_okay=False),
    required=True,
    help="The Parquet file, such as x.parquet.",
)
@click.option(
    "--split",
    "splits",
    multiple=True,
    type=click.Choice(["train", "val", "test"]),
    help="Only this split; may be repeated [all three].",
)
@FROM_RECIPE
@ARCH
@ALLOW_PARTIAL
@SET
def embed(
    source: str,
    data: str,
    output: Path,
    splits: tuple[str, ...],
    recipe: Path | None,
    arch: str,
    allow_partial: bool,
    overrides: tuple[str, ...],
) -> None:
    """Write the features of all frames of DATA as Parquet.

    The table has a row for each frame, with its clip, time, identity and labels. RUN_OR_WEIGHTS is as for
    `ssltoolbox evaluate`. DATA is a folder of frames (identity/video/clip/*.jpg), an index of frames, a table
    of images (.csv, .tsv or .parquet), a dataset as in a recipe ('{name: frames, root: faces}'), or a recipe, for
    its data. All frames of a folder or an index without splits are `train`; the splits of a run are those of
    its recipe, runs/mine/recipe.yaml.

    \b
    Example:
        ssltoolbox embed runs/mine faces.index -o features.parquet
    """

    with libraries_loaded():
        from ssltoolbox.engine.core.components import Components
        from ssltoolbox.engine.inspect.embed import Embedding
        from ssltoolbox.engine.inspect.source import (
            NO_TASKS,
            NetworkSource,
            check_weights,
            is_recipe,
            open_source,
        )
    from ssltoolbox.support.progress import progress

    if recipe is None and is_recipe(data) and not Path(source).is_dir():
        recipe = Path(data)
    network = NetworkSource(source, recipe, arch, allow_partial)
    plan = open_source(network, (NO_TASKS, _data(data), *overrides))
    console = new_console(soft_wrap=True)
    print_unused_gpu(console)
    matched = check_weights(plan)
    if matched:
        console.print(f"{source}: {matched}")
    components = Components(plan)
    with components.blame.assigned():
        embedding = Embedding(components, splits or ("train", "val", "test"))  # type: ignore[arg-type]
    with progress(console, embedding.frames) as tick:
        done = embedding.write(output, tick)
    if done.left_out:
        click.echo(f"left out: {counted(done.left_out, 'frame')} that could not be read", err=True)
    found = f"{counted(done.frames, 'frame')} with {done.dim} features each"
    console.print(f"{found} {agreeing(done.frames, 'is', 'are')} in {output}")


def _data(data: str) -> Override:
    """What sets the dataset in a recipe; paths are relative to the working folder."""
    from ssltoolbox.api import UserError
    from ssltoolbox.data.index.columns import TYPES
    from ssltoolbox.data.index.schema import is_index
    from ssltoolbox.engine.inspect.source import NO_TASKS, NOTHING_TRAINS, is_recipe
    from ssltoolbox.plan import load_recipe
    from ssltoolbox.recipe import override_of, typed_override

    path = Path(data)
    if is_recipe(data):
        return override_of("data", load_recipe(path, (*NOTHING_TRAINS, NO_TASKS)).data)
    if path.is_dir():
        kind = "index" if is_index(path) else "root"
        return override_of("data", {"name": "frames", kind: data})
    if path.is_file() and path.suffix.lower() in TYPES:
        return override_of("data", {"name": "labelled", "table": data})
    if len(path.parts) > 1 and not data.startswith("{"):
        wrong = f"{data} holds no frames" if path.exists() else f"there is no {data}"
        raise UserError(wrong, "name a folder of frames, an index, a table, a dataset or a recipe")
    return typed_override("DATA", "data", data)
