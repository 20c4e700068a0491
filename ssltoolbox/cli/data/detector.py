"""Options of the commands that look for faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ssltoolbox.cli.common import LocalPath

if TYPE_CHECKING:
    from ssltoolbox.plan.detector import DetectorMaker

Command = TypeVar("Command", bound=Callable[..., Any])

_DETECTOR = click.option(
    "--detector",
    "name",
    default="dlib",
    show_default=True,
    help="The landmark detector; `ssltoolbox plugins list` names those there are.",
)
_SET = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="OPTION=VALUE",
    help="Set an option of the detector, such as upsample=1; may be repeated.",
)
_PLUGIN = click.option(
    "--plugin",
    "files",
    multiple=True,
    type=LocalPath(exists=True, dir_okay=False),
    help="Also look for the detector in this Python file; may be repeated.",
)


def detector_options(command: Command) -> Command:
    """`--detector`, `--set` and `--plugin`, for `detector_maker`."""
    return _DETECTOR(_SET(_PLUGIN(command)))


def detector_maker(name: str, settings: tuple[str, ...], files: tuple[Path, ...]) -> DetectorMaker:
    """What the options name, checked; what its user must know is printed.

    Raises:
        UserError: where there is no such detector, or its options are wrong.
    """
    from ssltoolbox.plan.detector import DetectorMaker

    maker = DetectorMaker(name, settings, tuple(path.absolute() for path in files))
    if notice := maker.chosen().descriptor.notice:
        click.echo(notice, err=True)
    return maker
