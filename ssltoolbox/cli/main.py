"""The commands together."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import click

from ssltoolbox import __version__
from ssltoolbox.cli.bench import bench
from ssltoolbox.cli.check import check, schema
from ssltoolbox.cli.common import InOrder, fit_help
from ssltoolbox.cli.compare import compare
from ssltoolbox.cli.data import data
from ssltoolbox.cli.embed import embed
from ssltoolbox.cli.errors import DONE, FAILED, INTERRUPTED, explain
from ssltoolbox.cli.evaluate import evaluate
from ssltoolbox.cli.export import export
from ssltoolbox.cli.output import safe_output
from ssltoolbox.cli.plugins import plugins
from ssltoolbox.cli.predict import predict
from ssltoolbox.cli.preview import preview
from ssltoolbox.cli.push import push
from ssltoolbox.cli.recipes import recipes
from ssltoolbox.cli.report import report
from ssltoolbox.cli.saliency import saliency
from ssltoolbox.cli.train import train
from ssltoolbox.support.interruption import STOP_SIGNALS, Interrupted, no_interruption_lost
from ssltoolbox.support.threads import sleep_while_waiting

SECTIONS = {
    "Prepare": (data, recipes, check, preview),
    "Train and measure": (train, evaluate, report, compare, bench),
    "Use a network": (predict, embed, saliency, export, push),
    "Extend": (plugins, schema),
}
"""The commands by what they are for, in the order of a day's work."""
PRINTING = ("check", "recipes", "plugins", "schema")
"""Commands that do nothing but print: they fail with their output. Other commands have done their work by then."""
NOTHING_WRITTEN = "nothing was written; run the same command again"
AFTER_INTERRUPTION = {
    "evaluate": "earlier results are unchanged; run the same command again",
    **dict.fromkeys(
        ("predict", "embed", "saliency", "export", "preview", "report", "compare"), NOTHING_WRITTEN
    ),
    "data": "run the same command again to resume",
}
"""How to continue after a command was interrupted; `train` and `bench` say it themselves."""


class Sections(InOrder):
    """A group whose help lists its commands under headings."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, members in SECTIONS.items():
            self.write_commands(formatter, heading, members)


@click.group(cls=Sections, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ssltoolbox")
def commands() -> None:
    """Learn from face video without labels, and measure what the network learned about expressions.

    \b
    Example:
        ssltoolbox train quickstart
        ssltoolbox recipes copy quickstart --output mine.yaml
        ssltoolbox train mine.yaml --out runs/mine
    """
    if click.get_current_context().invoked_subcommand not in PRINTING:
        from ssltoolbox.support.open_files import allow_many_files

        allow_many_files()


for members in SECTIONS.values():
    for command in members:
        commands.add_command(command)
fit_help(commands)


STOPPING = tuple(number for number in STOP_SIGNALS if number != signal.SIGINT)
"""Signals that stop a command as Ctrl-C does: of a scheduler, or of a terminal that is gone."""


def main() -> None:
    """Runs the command line and exits: 0 done, 1 the run failed, 2 wrong input, 130 interrupted."""
    for number in STOPPING:
        # Under nohup a command outlives its terminal.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    sleep_while_waiting()
    with no_interruption_lost():
        code = run()
    _ignore_signals()
    sys.exit(code)


def run(arguments: list[str] | None = None) -> int:
    """Runs a command and gives its exit code; errors are printed."""
    with safe_output() as stdout:
        code = _run(arguments)
    if stdout is None or stdout.lost is None:
        return code
    click.echo(f"the output could not be written: {stdout.lost.strerror}", err=True)
    command = (sys.argv[1:] if arguments is None else arguments)[:1]
    return code or (FAILED if command and command[0] in PRINTING else DONE)


def _run(arguments: list[str] | None) -> int:
    try:
        result = commands.main(arguments, prog_name="ssltoolbox", standalone_mode=False)
    except Interrupted as stop:
        click.echo(str(stop), err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        command = next(iter(sys.argv[1:] if arguments is None else arguments), "")
        advice = AFTER_INTERRUPTION.get(command, "")
        click.echo(f"interrupted; {advice}" if advice else "interrupted", err=True)
        return INTERRUPTED
    except Exception as error:
        return explain(error)
    return result if isinstance(result, int) else DONE


def _interrupt(_: int, __: FrameType | None) -> None:
    """The first one; a scheduler may send several, and the command is on its way out."""
    _ignore_signals()
    raise KeyboardInterrupt


def _ignore_signals() -> None:
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
