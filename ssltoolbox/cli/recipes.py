"""`ssltoolbox recipes`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import InOrder, LocalPath
from ssltoolbox.cli.output import new_console

if TYPE_CHECKING:
    from ssltoolbox.recipe.shipped import ShippedRecipe


@click.group(cls=InOrder)
def recipes() -> None:
    """List, show or copy the recipes of ssltoolbox."""


@recipes.command("list")
@click.option("--json", is_flag=True, help="Print JSON.")
def list_(json: bool) -> None:
    """List the recipes that come with ssltoolbox.

    Their names can be used wherever a recipe is expected: `ssltoolbox train quickstart`, `extends: paper/g`.
    """
    from ssltoolbox.cli.named_texts import NamedTexts
    from ssltoolbox.recipe.shipped import shipped_recipes

    found = shipped_recipes().values()
    if json:
        facts = [{"name": one.name, "summary": one.summary, "file": str(one.path)} for one in found]
        click.echo(json_module.dumps(facts, indent=2, ensure_ascii=False))
        return
    table = NamedTexts()
    for one in found:
        table.add(one.name, one.summary, style="bold")
    new_console().print(table)


@recipes.command()
@click.argument("name")
@click.option("--full", is_flag=True, help="Include all that it inherits, and the defaults of all options.")
def show(name: str, full: bool) -> None:
    """Print the recipe NAME.

    \b
    Example:
        ssltoolbox recipes show paper/g
    """
    from ssltoolbox.plan import load_recipe
    from ssltoolbox.recipe import dump

    shipped = _shipped(name)
    click.echo(dump(load_recipe(shipped.path)) if full else shipped.standalone(), nl=False)


@recipes.command()
@click.argument("name")
@click.option(
    "-o",
    "--output",
    type=LocalPath(dir_okay=False),
    help="The file [the recipe's own name, such as quickstart.yaml, in the working folder].",
)
def copy(name: str, output: Path | None) -> None:
    """Copy the recipe NAME to a file of your own.

    \b
    Example:
        ssltoolbox recipes copy quickstart
    """
    from ssltoolbox.api import UserError
    from ssltoolbox.support.files import write_text

    shipped = _shipped(name)
    target = output or Path(shipped.path.name)
    if target.exists():
        raise UserError(f"{target} exists", "name another file with --output, or remove it")
    write_text(target, shipped.standalone())
    click.echo(f"written to {target}; run it by: ssltoolbox train {target}")


def _shipped(name: str) -> ShippedRecipe:
    from ssltoolbox.api import UserError
    from ssltoolbox.api.suggest import did_you_mean
    from ssltoolbox.recipe.problems import quoted
    from ssltoolbox.recipe.shipped import shipped_recipes

    known = shipped_recipes()
    if name not in known:
        hint = did_you_mean(name, known) or "see: ssltoolbox recipes list"
        raise UserError(f"no recipe called {quoted(name)} comes with ssltoolbox", hint)
    return known[name]
