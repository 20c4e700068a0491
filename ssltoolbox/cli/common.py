"""Options that several commands share."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click

_RATES = (Fraction(1, 100), Fraction(1000))


def _rate(context: click.Context, parameter: click.Parameter, text: str) -> Fraction:
    """The exact number that `25` or `25/6` stands for."""
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise click.BadParameter(f"{text!r} is no number; write 25 or 25/6") from error
    if not _RATES[0] <= rate <= _RATES[1]:
        raise click.BadParameter(f"{text} is not between 1/100 and 1000")
    return rate


FPS = click.option(
    "--fps", metavar="RATE", callback=_rate, default="25/6", show_default=True, help="Frames per second."
)
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
