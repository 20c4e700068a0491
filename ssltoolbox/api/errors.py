"""Errors that say what went wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from click import unstyle


class SslToolboxError(Exception):
    """The run failed: one line saying what and where. The command line exits with 1."""


class UserError(SslToolboxError):
    """The user's input is wrong: the message says what to change. The command line exits with 2.

    Attributes:
        hint: what to do; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint


class DataNotFound(UserError):
    """The data that a recipe names is not there: a warning in `check`, an error in `train`."""


class UnreadableFrame(SslToolboxError):
    """A single image can't be read. The engine counts it and draws another frame of the clip."""


class OptionError(ValueError):
    """Raised by a validator of options if several options can't be combined.

    A recipe may inherit one of these options and set another itself or by `--set`. The nearer one takes
    precedence.

    Args:
        message: what is wrong.
        hint: what to do; may be empty.
        options: the conflicting options. The problem is reported at the nearest of them: on the command line,
            else in the recipe, else in its parent; among equals at the first.
        drop: those of the options that are ignored if another of the options is nearer.

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
        super().__init__(f"{message}; {hint}" if hint else message)
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
        hint: what to do.
        warning: True if the run can continue.
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


def counted_list(counts: Mapping[str, int]) -> str:
    """Joins counts of things.

    >>> counted_list({"run folder": 2, ".gif file": 1, "index": 2})
    '2 run folders, 1 .gif file and 2 indexes'
    """
    plural = {name: f"{name}es" if name.endswith("x") else f"{name}s" for name in counts}
    *head, last = [f"{count:,} {name if count == 1 else plural[name]}" for name, count in counts.items()]
    return f"{', '.join(head)} and {last}" if head else last


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, for a place within a sentence.

    It has no colours of a terminal and no full stop. If the message is empty, it is the name of the type.

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
