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
