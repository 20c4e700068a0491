"""Types and options that several commands share."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ssltoolbox.cli.output import print_problem
from ssltoolbox.support.terminal import NARROW
from ssltoolbox.support.words import counted

if TYPE_CHECKING:
    from rich.console import Console

    from ssltoolbox.api import Url
    from ssltoolbox.bench.run import PlannedBench
    from ssltoolbox.plan import Plan
    from ssltoolbox.support.remote import RemoteFolder

SHOWN = 5
"""How many things of one sort are named; the others are counted."""


LONGEST_SUMMARY = 100
"""Characters of a command's summary in the help of its group; it wraps where a terminal is narrower."""


class InOrder(click.Group):
    """A group whose help lists its commands in the order of their definition, with whole summaries."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.write_commands(formatter, "Commands", list(self.commands.values()))

    def write_commands(
        self, formatter: click.HelpFormatter, heading: str, members: Sequence[click.Command]
    ) -> None:
        """Writes a heading, and the name and summary of each command below it."""
        rows = [(str(command.name), command.get_short_help_str(LONGEST_SUMMARY)) for command in members]
        with formatter.section(heading):
            formatter.write_dl(rows)


class Help(click.HelpFormatter):
    """Help that fits a narrow terminal. click's own is at least 50 columns wide, with 32 for names."""

    def __init__(
        self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None
    ) -> None:
        terminal = shutil.get_terminal_size().columns
        narrow = max(terminal - 1, 20) if width is None and terminal < NARROW else width
        super().__init__(indent_increment, narrow, max_width)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        most = self.width // 3 if self.width < NARROW else col_max
        super().write_dl(rows, min(col_max, most), col_spacing)


class HelpContext(click.Context):
    """The context of each command: its help is written by `Help`."""

    formatter_class = Help


def fit_help(command: click.Command) -> None:
    """Makes the help of a command, and of the commands below it, fit a narrow terminal."""
    command.context_class = HelpContext
    for member in command.commands.values() if isinstance(command, click.Group) else ():
        fit_help(member)


def print_first(lines: Sequence[str], conclusion: str) -> None:
    """Prints the first lines on stderr, and a conclusion about all of them; nothing if there are none."""
    for line in lines[:SHOWN]:
        click.echo(line, err=True)
    if lines:
        click.echo(conclusion, err=True)


def print_passed_over(files: Sequence[Path]) -> None:
    """Prints on stderr how many files of other types a folder of videos has; nothing if there are none."""
    types = Counter(path.suffix.lower() or "without a type" for path in files)
    if types:
        listed = ", ".join(f"{count:,} {name}" for name, count in types.most_common(SHOWN))
        click.echo(f"passed over {counted(len(files), 'file')} of other types: {listed}", err=True)


def print_warnings(plan: Plan | PlannedBench) -> None:
    """Prints the warnings of a plan on stderr."""
    for warning in plan.warnings:
        print_problem(warning.render())


def print_unused_gpu(console: Console) -> None:
    """Prints a line where the machine has a GPU that is not used."""
    from ssltoolbox.models.devices import unused_gpu

    if unused_gpu():
        console.print(unused_gpu(), soft_wrap=True)


class LocalPath(click.Path):
    """A path on this machine, as `pathlib.Path`.

    A leading `~` is the home folder: a shell leaves it as it is in `--out=~/runs`.
    """

    def __init__(self, *, exists: bool = False, file_okay: bool = True, dir_okay: bool = True) -> None:
        super().__init__(exists=exists, file_okay=file_okay, dir_okay=dir_okay, path_type=Path)

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        named = no_url(context, parameter, value)
        if isinstance(named, str):
            named = os.path.expanduser(named)
        return super().convert(named, parameter, context)


class PathOrUrl(LocalPath):
    """A path on this machine, as `pathlib.Path`, or a URL of remote storage, as `Url`."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        from ssltoolbox.api import Url, is_url

        if isinstance(value, str) and is_url(value):
            return Url(value)
        return super().convert(value, parameter, context)


def located(place: Path | Url) -> Path | RemoteFolder:
    """A folder on this machine, or the one on remote storage at a URL, with the user's cache."""
    from ssltoolbox.support.remote import RemoteCache

    return place if isinstance(place, Path) else RemoteCache().folder(place)


def no_url(context: click.Context | None, parameter: click.Parameter | None, value: Any) -> Any:
    """The value, or values, of an option or argument that may be a path.

    Raises:
        BadParameter: for a URL.
    """
    from ssltoolbox.api import is_url
    from ssltoolbox.support.paths import ADVICE, NOT_SUPPORTED

    for text in value if isinstance(value, tuple) else (value,):
        if isinstance(text, str) and is_url(text):
            raise click.BadParameter(f"{text}: {NOT_SUPPORTED}; {ADVICE}", context, parameter)
    return value


_RATES = (Fraction(1, 100), Fraction(1000))


def _rate(context: click.Context, parameter: click.Parameter, text: str) -> Fraction:
    """The exact number that `25` or `25/6` stands for."""
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise click.BadParameter(f"{text!r} is not a number; write 25 or 25/6") from error
    if not _RATES[0] <= rate <= _RATES[1]:
        raise click.BadParameter(f"{text} is not between 1/100 and 1000")
    return rate


FPS = click.option(
    "--fps", metavar="RATE", callback=_rate, default="25/6", show_default=True, help="Frames per second."
)
RECIPE = click.argument("recipe", type=LocalPath())
SET = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a value of the recipe, such as method.temperature=0.1; may be repeated.",
)


def size_option(default: int, text: str) -> Callable[[Any], Any]:
    """`--size`, height and width of images in pixels."""
    return click.option("--size", type=click.IntRange(8, 1024), default=default, show_default=True, help=text)


WORKERS = click.option(
    "--workers", type=click.IntRange(min=1), help="Number of processes [one for each core]."
)
SOURCE = click.argument("source", metavar="RUN_OR_WEIGHTS", callback=no_url)
FROM_RECIPE = click.option(
    "--recipe",
    type=LocalPath(),
    help="The recipe that gives data, views, network and tasks [the run's own].",
)
ARCH = click.option("--arch", default="", metavar="NAME", help="Name of the network [the recipe's].")
ALLOW_PARTIAL = click.option(
    "--allow-partial", is_flag=True, help="Accept a file that lacks some weights; these stay random."
)
