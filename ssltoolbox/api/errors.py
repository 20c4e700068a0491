"""Errors that say what went wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from click import unstyle


class SslToolboxError(Exception):
    """The run failed. The message is one line that says what failed, and where. The command exits with 1."""


class UserError(SslToolboxError):
    """The user's input is wrong. The message says what to change. The command exits with 2.

    Attributes:
        hint: what to do; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(_with_hint(message, hint))
        self.message = message
        self.hint = hint


def _with_hint(message: str, hint: str) -> str:
    """The hint follows a message of one line after a semicolon, and one of several lines in a line of its own."""
    between = "\n" if "\n" in message else "; "
    return f"{message}{between}{hint}" if hint else message


class DataNotFound(UserError):
    """The data that a recipe names does not exist. This is a warning in `check`, and an error in `train`."""


class UnreadableFrame(SslToolboxError):
    """A single image can't be read. A dataset catches this error and reports the image in `Frames.unreadable`."""


class OptionError(ValueError):
    """Raised by a validator of options if several options can't be combined.

    The options may come from different places: the command line, the recipe and its parents, nearest first. If
    one of the options is in a nearer place than another one that may be dropped, the latter is ignored without
    an error.

    Args:
        message: what is wrong.
        hint: what to do; may be empty.
        options: the conflicting options. The problem is reported at the one in the nearest place; if several are
            there, at the first.
        drop: those of the options that may be dropped.

    Examples:
        >>> from pydantic import model_validator
        >>> from ssltoolbox.api import OptionError, Options
        >>> class LengthOptions(Options):
        ...     steps: int | None = None
        ...     seconds: float | None = None
        ...
        ...     @model_validator(mode="after")
        ...     def _one_length(self):
        ...         if self.steps is not None and self.seconds is not None:
        ...             both = ("steps", "seconds")
        ...             raise OptionError("'steps' and 'seconds' can't both be given", options=both, drop=both)
        ...         return self
    """

    def __init__(
        self, message: str, hint: str = "", *, options: tuple[str, ...] = (), drop: tuple[str, ...] = ()
    ) -> None:
        super().__init__(_with_hint(message, hint))
        self.message = message
        self.hint = hint
        self.options = options
        self.drop = drop


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one option, found by `Options.problems`.

    Attributes:
        option: the option's name; empty for the component as a whole.
        message: what is wrong.
        hint: what to do; may be empty.
        warning: True if the run can start anyway.
    """

    option: str
    message: str
    hint: str = ""
    warning: bool = False


def one_of(names: Iterable[str]) -> str:
    """Joins names, sorted, with commas and "or".

    >>> one_of(["b", "a", "c"])
    'a, b or c'
    """
    *head, last = sorted(names)
    return f"{', '.join(head)} or {last}" if head else last


def and_of(names: Iterable[str]) -> str:
    """Joins names, in their order, with commas and "and".

    >>> and_of(["b", "a", "c"])
    'b, a and c'
    """
    *head, last = names
    return f"{', '.join(head)} and {last}" if head else last


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, to be part of a sentence.

    It has no terminal colours and no full stop. If the message is empty, it is the name of the type.

    >>> first_line(ValueError("\\x1b[31mno.\\x1b[0m\\nmore")), first_line(EOFError())
    ('no', 'EOFError')
    """
    lines = unstyle(str(error)).strip().splitlines()
    return (lines[0].rstrip(".") if lines else "") or type(error).__name__


def reason_of(error: BaseException) -> str:
    """The type and message of an exception, in one line.

    >>> reason_of(ValueError("not\\nso"))
    'ValueError: not so'
    """
    text = " ".join(unstyle(str(error)).split()).rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
