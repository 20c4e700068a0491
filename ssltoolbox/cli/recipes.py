"""`ssltoolbox check` and `ssltoolbox schema`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ssltoolbox.cli.common import SET
from ssltoolbox.cli.errors import DONE, explain


@click.command()
@click.argument("recipes", nargs=-1, required=True, type=click.Path(path_type=Path))
@SET
def check(recipes: tuple[Path, ...], overrides: tuple[str, ...]) -> int:
    """Validate each of RECIPES, and print what would be run."""
    from rich.console import Console

    from ssltoolbox.api import UserError
    from ssltoolbox.cli.plan_table import plan_table
    from ssltoolbox.plan import load_plan

    console = Console(markup=False)
    code = DONE
    for recipe in recipes:
        try:
            plan = load_plan(recipe, overrides, data_needed=False)
        except UserError as error:
            code = explain(error)
            continue
        for warning in plan.warnings:
            click.echo(warning.render(), err=True)
        console.print(plan_table(plan))
    return code


@click.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from ssltoolbox.plan import recipe_schema

    click.echo(json.dumps(recipe_schema(), indent=2, ensure_ascii=False))
