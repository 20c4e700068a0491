"""Whose code failed: an exception of a plugin's code names the component and the call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from ssltoolbox.api import SslToolboxError
from ssltoolbox.api.errors import first_line


@dataclass(frozen=True)
class Blame:
    """The classes of a run's components, and what each is called in a message. Can be pickled for loader workers.

    Attributes:
        titles: class → such as "method 'simclr' (plugin 'methods' of ssltoolbox 0.1.0)".
    """

    titles: Mapping[type, str]

    @contextmanager
    def assigned(self) -> Iterator[None]:
        """
        Raises:
            SslToolboxError: in place of an exception that came out of a component's code, in one line, with the
                component, the call, the file and the line. Errors of the toolbox's own pass as they are.
        """
        try:
            yield
        except (SslToolboxError, MemoryError):
            raise
        except Exception as error:
            if found := self._found(error):
                raise SslToolboxError(found) from error
            raise

    def _found(self, error: Exception) -> str:
        """What to say of an error; empty where no component's code was on the way to it."""
        for trace in _frames(error.__traceback__):
            code = trace.tb_frame.f_code
            owner = trace.tb_frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
            title = next((self.titles[base] for base in type(owner).__mro__ if base in self.titles), "")
            if title:
                last = list(_frames(error.__traceback__))[-1]
                place = f"{last.tb_frame.f_code.co_filename}, line {last.tb_lineno}"
                said = f"{type(error).__name__}: {first_line(error)}"
                return f"{title}: {code.co_name}() raised {said} ({place})"
        return ""


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next
