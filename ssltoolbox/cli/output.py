"""Output of commands. A failed write of output never stops a command."""

from __future__ import annotations

import codecs
import errno
import gc
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

import click

from ssltoolbox.support.allocator import reuse_freed_memory
from ssltoolbox.support.garbage import collector_paused

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_SIGNS = {
    "…": "...", "–": "-", "−": "-", "\u2011": "-", "±": "+-", "×": "x", "≥": ">=", "≤": "<=", "↑": "^", "↓": "v",
    "✓": "+", "✗": "x", "“": '"', "”": '"', "\u00a0": " ",
}  # fmt: skip
"""Signs of ours, for streams that can't hold them."""


def _plain(error: UnicodeError) -> tuple[str, int]:
    """A codec's error handler: our signs in ASCII, bytes of file names and all else as escapes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = (PLAIN_SIGNS.get(sign) or ascii(sign)[1:-1] for sign in error.object[error.start : error.end])
    return "".join(signs), error.end


codecs.register_error("ssltoolbox.plain", _plain)


class Output:
    """A text stream that accepts every character, and drops text that can't be written.

    Attributes:
        lost: why output was lost, where that is so; a reader that went away, as `head` does, is no reason.
    """

    buffer = None
    """None, so that click writes here, whatever the encoding."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_open = True
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        """Writes as much as can be written; gives the length of the text."""
        if self._is_open:
            try:
                self._write(text)
            except OSError as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Writes what is buffered, if that can be."""
        if self._is_open:
            try:
                self._stream.flush()
            except OSError as error:
                self._lose(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            encoding = self._stream.encoding
            self._stream.write(text.encode(encoding, "ssltoolbox.plain").decode(encoding))

    def _lose(self, error: OSError) -> None:
        self._is_open = False
        if error.errno != errno.EPIPE:
            self.lost = error
        # Python flushes once more when it ends, and would fail then.
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def safe_output() -> Iterator[Output | None]:
    """Makes stdout and stderr an `Output`, and gives that of stdout; None where there is no stdout."""
    before = sys.stdout, sys.stderr
    outputs = [Output(stream) if stream else None for stream in before]
    sys.stdout, sys.stderr = outputs
    try:
        yield outputs[0]
        for output in filter(None, outputs):
            output.flush()
    finally:
        sys.stdout, sys.stderr = before


def new_console(**options: Any) -> Console:
    """The console of a command. Brackets in names are not markup."""
    from rich.console import Console

    return Console(highlight=False, markup=False, **options)


@contextmanager
def libraries_loaded() -> Iterator[None]:
    """For the imports of a command that needs torch: they take less time, and a terminal shows what takes so long.

    What is imported stays to the end, so later garbage collections leave it out. Memory that tensors free is kept
    for the next ones.
    """
    reuse_freed_memory()
    with new_console(stderr=True).status("loading torch, Lightning and timm …"), collector_paused():
        yield
        gc.freeze()


@contextmanager
def shown(what: str, where: object) -> Iterator[None]:
    """Prints what went wrong when something can't be shown, instead of failing.

    Args:
        what: is shown, such as "the results".
        where: it can be read instead.
    """
    try:
        yield
    except Exception as error:
        from ssltoolbox.api.errors import first_line

        click.echo(f"{what} can't be shown here ({first_line(error)}); see {where}", err=True)


_COLOURS: tuple[tuple[str, dict[str, Any]], ...] = (
    (r"^(?!warning:)\S+?:\d+:\d+:(?! warning:).*$", {"fg": "red"}),
    (r"^(\S+?:\d+:\d+: )?warning:.*$", {"fg": "yellow"}),
    (r"\^$", {"bold": True}),
    (r"^ +did you mean .*$", {"fg": "green"}),
)
"""Pattern of a part of an error → its colour."""


def print_problem(text: str, **style: Any) -> None:
    """Prints on stderr; in a terminal with colours for mistakes in recipes, warnings and suggestions.

    NO_COLOR turns colours off, as in rich's tables.

    Args:
        text: one line or several.
        style: of the whole text, as for `click.style`, instead of the colours of its parts.
    """
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    click.echo(text if plain else click.style(text, **style) if style else _coloured(text), err=True)


def _coloured(text: str) -> str:
    for pattern, style in _COLOURS:
        text = re.sub(pattern, partial(_styled, style), text, flags=re.MULTILINE)
    return text


def _styled(style: dict[str, Any], found: re.Match[str]) -> str:
    return click.style(found[0], **style)
