"""`ssltoolbox check` and `ssltoolbox schema`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import SET, LocalPath, print_unused_gpu, print_warnings
from ssltoolbox.cli.errors import DONE, explain
from ssltoolbox.cli.output import libraries_loaded, new_console

if TYPE_CHECKING:
    from rich.console import Console

    from ssltoolbox.plan import Plan


@click.command()
@click.argument("recipes", nargs=-1, required=True, type=LocalPath())
@SET
@click.option(
    "--measure",
    is_flag=True,
    help="Also run a few steps, to measure parameters, memory and time on this machine.",
)
def check(recipes: tuple[Path, ...], overrides: tuple[str, ...], measure: bool) -> int:
    """Validate recipes and print what they would run.

    Nothing is trained. All problems are reported, with file, line and column.

    \b
    Example:
        ssltoolbox check mine.yaml
        ssltoolbox check mine.yaml --measure
    """

    from ssltoolbox.api import UserError
    from ssltoolbox.cli.plan_table import plan_table
    from ssltoolbox.plan import load_plan

    if measure and len(recipes) > 1:
        raise click.UsageError("--measure takes one recipe: memory is measured for the process as a whole")
    console = new_console()
    code = DONE
    for recipe in recipes:
        try:
            plan = load_plan(recipe, overrides, data_needed=measure)
        except UserError as error:
            code = explain(error)
            continue
        print_warnings(plan)
        console.print(plan_table(plan))
        if measure:
            _measure(plan, console)
    return code


def _measure(plan: Plan, console: Console) -> None:
    from ssltoolbox.cli.plan_table import cost_table

    with libraries_loaded():
        from ssltoolbox.engine.training.measure import measure

    print_unused_gpu(console)
    console.print(cost_table(measure(plan), plan.counts.steps))


@click.command()
@click.option("--grid", is_flag=True, help="Print the schema of grids, for `ssltoolbox bench`, instead.")
def schema(grid: bool) -> None:
    """Print the JSON Schema of recipes, for editors.

    It contains the options of all installed plugins. An editor with YAML support then completes and checks
    recipes.

    \b
    Example:
        ssltoolbox schema > recipe.schema.json
    """
    from ssltoolbox.bench.grid import grid_schema
    from ssltoolbox.plan import recipe_schema

    click.echo(json.dumps(grid_schema() if grid else recipe_schema(), indent=2, ensure_ascii=False))
