"""Options of the commands that look for faces, and follow them through videos."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ssltoolbox.cli.common import LocalPath

if TYPE_CHECKING:
    from ssltoolbox.plan import Chosen
    from ssltoolbox.plan.detector import DetectorMaker

_DETECTOR = click.option(
    "--detector",
    "name",
    default="dlib",
    show_default=True,
    help="The landmark detector; `ssltoolbox plugins list` lists them.",
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

_SCALE = click.option(
    "--scale",
    type=click.FloatRange(0.5, 5),
    default=1.6,
    show_default=True,
    help="Width of a crop from a video, in widths of the face: 1.6 shows the whole head, 1.2 brows to chin.",
)
_LOST = click.option(
    "--lost",
    type=click.FloatRange(min=0),
    default=0.5,
    show_default=True,
    help="A face that is lost for at most this many seconds continues its clip. The gap has no frames.",
)
_CUT = click.option(
    "--cut",
    type=click.FloatRange(0, 1),
    default=0.35,
    show_default=True,
    help="A shot ends if more than this share of the colours changes, in the picture or around a face; 1: never.",
)
_DETECT_SIZE = click.option(
    "--detect-size",
    type=click.IntRange(min=0),
    default=480,
    show_default=True,
    help="Look for faces in a copy of the frame whose shorter side has this many pixels; 0 for the frame itself.",
)


def following_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--scale`, `--lost`, `--cut` and `--detect-size`: how faces in videos are found, followed and cut out."""
    return _SCALE(_LOST(_CUT(_DETECT_SIZE(command))))


def detector_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--detector`, `--set` and `--plugin`, which give the command `detector`, a `DetectorMaker`."""

    @wraps(command)
    def run(*, name: str, settings: tuple[str, ...], files: tuple[Path, ...], **options: Any) -> Any:
        from ssltoolbox.plan.detector import DetectorMaker

        detector = DetectorMaker(name, settings, tuple(path.absolute() for path in files))
        return command(detector=detector, **options)

    return _DETECTOR(_SET(_PLUGIN(run)))


def chosen_detector(detector: DetectorMaker) -> Chosen:
    """What the options name, checked; what its user must know is printed.

    Raises:
        UserError: where there is no such detector, or its options are wrong.
    """
    chosen = detector.chosen()
    if chosen.descriptor.notice:
        click.echo(chosen.descriptor.notice, err=True)
    return chosen
