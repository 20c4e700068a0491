"""Names the component and the call in whose code an exception was raised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType

from ssltoolbox.api import SslToolboxError
from ssltoolbox.api.errors import first_line


@dataclass(frozen=True)
class Blame:
    """Finds the component that raised an exception. Can be pickled for loader workers.

    Attributes:
        titles: class of a component → its title, such as "method 'simclr' (plugin 'methods' of ssltoolbox 0.1.0)".
    """

    titles: Mapping[type, str]

    @contextmanager
    def assigned(self) -> Iterator[None]:
        """
        Raises:
            SslToolboxError: replaces an exception that a component's code raised, and names the component, the
                call, the file and the line. Other exceptions pass unchanged.
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
        """The message; empty if no component's code is in the traceback."""
        frames = list(_frames(error.__traceback__))
        # An optimiser calls the training step back: it is not to blame for errors in there.
        steps = [at for at, trace in enumerate(frames) if trace.tb_frame.f_code.co_name == "training_step"]
        for trace in frames[max(steps, default=0) :]:
            code = trace.tb_frame.f_code
            owner = trace.tb_frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
            title = next((self.titles[base] for base in type(owner).__mro__ if base in self.titles), "")
            # A function of the toolbox may have a component as its first argument.
            if title and hasattr(type(owner), code.co_name):
                last = frames[-1]
                line = f"{last.tb_frame.f_code.co_filename}, line {last.tb_lineno}"
                return (
                    f"{title}: {code.co_name}() raised {type(error).__name__}: {first_line(error)} ({line})"
                )
        return ""


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next
