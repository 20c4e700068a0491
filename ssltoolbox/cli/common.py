"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

RECIPE = click.argument("recipe", type=click.Path(path_type=Path))
SET = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a value of the recipe, such as method.temperature=0.1; may be repeated.",
)
WORKERS = click.option("--workers", type=click.IntRange(min=1), help="Processes [one for each core].")
SOURCE = click.argument("source", metavar="RUN_OR_WEIGHTS")
FROM_RECIPE = click.option(
    "--recipe",
    type=click.Path(path_type=Path),
    help="Where data, views, network and tasks come from [the run's own recipe].",
)
ARCH = click.option("--arch", default="", metavar="NAME", help="timm's name of the network [the recipe's].")
ALLOW_PARTIAL = click.option(
    "--allow-partial", is_flag=True, help="Leave random what a file of weights lacks, instead of refusing it."
)
