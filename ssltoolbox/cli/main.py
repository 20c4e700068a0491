"""The commands together."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import click

from ssltoolbox import __version__
from ssltoolbox.cli.bench import bench
from ssltoolbox.cli.check import check, schema
from ssltoolbox.cli.data import data
from ssltoolbox.cli.embed import embed
from ssltoolbox.cli.errors import DONE, INTERRUPTED, explain
from ssltoolbox.cli.evaluate import evaluate
from ssltoolbox.cli.export import export
from ssltoolbox.cli.plugins import plugins
from ssltoolbox.cli.preview import preview
from ssltoolbox.cli.recipes import recipes
from ssltoolbox.cli.saliency import saliency
from ssltoolbox.cli.train import train


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ssltoolbox")
def commands() -> None:
    """Self-supervised learning from face video: strategies as plugins, experiments as YAML recipes."""


for command in (
    train,
    check,
    preview,
    evaluate,
    embed,
    saliency,
    export,
    bench,
    data,
    recipes,
    plugins,
    schema,
):
    commands.add_command(command)


def main() -> None:
    """Runs the command line and exits: 0 done, 1 the run failed, 2 wrong input, 130 interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(run())


def run(arguments: list[str] | None = None) -> int:
    """Runs a command and gives its exit code; errors are printed."""
    try:
        result = commands.main(arguments, prog_name="ssltoolbox", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except Exception as error:
        return explain(error)
    return result if isinstance(result, int) else DONE


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt
