"""Finds the line of a plugin's code that an exception came from."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Any

from ssltoolbox.api.errors import first_line

_KIT = Path(__file__).parent


@dataclass(frozen=True)
class Fault:
    """An exception that was raised by a rule's test.

    Attributes:
        message: its type and what it says, in one line.
        place: the file and line of the plugin's code that raised it, or that called what raised it. Empty where
            the kit itself failed on a value from the plugin.
        missing: the member that the plugin must define, where its base class only declares it.
    """

    message: str
    place: str
    missing: str = ""

    def __str__(self) -> str:
        return f"{self.message} ({self.place})" if self.place else self.message


def fault_of(error: BaseException, target: Callable[..., Any]) -> Fault:
    """
    Args:
        error: as it was caught.
        target: the target of the component; it shows which code is the plugin's.
    """
    frames = extract_tb(error.__traceback__)
    home = _home(target)
    outside = [frame for frame in frames if not _is_below(frame.filename, _KIT)]
    own = [frame for frame in outside if home is None or _is_below(frame.filename, home)]
    place = f"{own[-1].filename}, line {own[-1].lineno}" if own else ""
    abstract = isinstance(error, NotImplementedError) and not str(error) and not own
    missing = frames[-1].name if abstract else ""
    return Fault(f"{type(error).__name__}: {first_line(error)}", place, missing)


def definition_of(target: Callable[..., Any]) -> str:
    """The file and line where a target is defined; empty if unknown."""
    try:
        return f"{inspect.getsourcefile(target)}, line {inspect.getsourcelines(target)[1]}"
    except (OSError, TypeError):
        return ""


def _home(target: Callable[..., Any]) -> Path | None:
    """The plugin's file, or the folder of its package; None if unknown."""
    module = sys.modules.get(getattr(target, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    if module is None or file is None:
        return None
    package = getattr(sys.modules.get(module.__name__.partition(".")[0]), "__file__", None)
    folder = Path(package).parent if package and Path(package).name == "__init__.py" else None
    return folder if folder and _is_below(file, folder) else Path(file)


def _is_below(file: str, home: Path) -> bool:
    return Path(file).is_relative_to(home)
