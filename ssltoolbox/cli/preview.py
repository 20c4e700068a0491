"""`ssltoolbox preview`."""

from __future__ import annotations

from pathlib import Path

import click

from ssltoolbox.cli.common import RECIPE, SET, LocalPath, print_warnings
from ssltoolbox.cli.output import libraries_loaded
from ssltoolbox.support.words import agreeing, counted

MOST_SAMPLES = 20


@click.command()
@RECIPE
@SET
@click.option(
    "-o",
    "--output",
    type=LocalPath(dir_okay=False),
    default=Path("pairs.png"),
    show_default=True,
    help="The PNG.",
)
@click.option(
    "--samples",
    "--draws",
    "samples",
    type=click.IntRange(1, MOST_SAMPLES),
    default=6,
    show_default=True,
    help="How many samples to show.",
)
@click.option(
    "--step", type=click.IntRange(min=0), default=0, show_default=True, help="The training step to show."
)
def preview(recipe: Path, overrides: tuple[str, ...], output: Path, samples: int, step: int) -> None:
    """Draw the pairs of a training step of RECIPE.

    The picture shows which views are pulled together, which are pushed apart, and which are masked, as the run
    sees them.

    \b
    Example:
        ssltoolbox preview quickstart -o pairs.png
    """
    from ssltoolbox.plan import load_plan

    if output.suffix.lower() != ".png":
        raise click.BadParameter(f"{output} is not a PNG file: end its name in .png", param_hint="'--output'")
    plan = load_plan(recipe, overrides)
    print_warnings(plan)
    with libraries_loaded():
        from ssltoolbox.engine.core.components import Components
        from ssltoolbox.engine.inspect.preview import preview as write_preview

    components = Components(plan)
    with components.blame.assigned():
        shown = write_preview(components, output, samples, step)
    for note in shown.notes:
        click.echo(f"can't be read, replaced by another sample: {note}", err=True)
    count = len(shown.draws)
    if count < samples:
        click.echo(
            f"the first micro-batch of a step has {counted(shown.most, 'sample')}, so {samples} can't be shown; a "
            "larger trainer.batch_size has more",
            err=True,
        )
    are = agreeing(count, "is", "are")
    click.echo(f"{counted(count, 'sample')} of step {step} of {plan.recipe.name} {are} in {output}")
