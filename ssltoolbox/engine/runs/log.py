"""log.txt: messages with their times, and the tracebacks that the terminal does not show."""

from __future__ import annotations

import faulthandler
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ssltoolbox.api import UserError
from ssltoolbox.support.interruption import Interrupted


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Appends the toolbox's log and Python's warnings to a file; an exception goes there with its traceback."""
    handler = _LogFile(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    toolbox = logging.getLogger("ssltoolbox")
    toolbox.setLevel(logging.INFO)
    listening = (toolbox, logging.getLogger("py.warnings"))
    for logger in listening:
        logger.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    except (UserError, Interrupted) as error:
        toolbox.error("%s", error)
        raise
    except KeyboardInterrupt:
        toolbox.error("interrupted")
        raise
    except BaseException as error:
        toolbox.error("%s: %s", type(error).__name__, error, exc_info=error)
        raise
    finally:
        logging.captureWarnings(False)
        for logger in listening:
            logger.removeHandler(handler)
        handler.close()


@contextmanager
def crashes_in(path: Path) -> Iterator[None]:
    """Has Python write to the log where it was when the system ends it, as for a mapped file that is cut short."""
    try:
        file = None if faulthandler.is_enabled() else path.open("a", encoding="utf-8")
    except OSError:
        file = None
    if file is None:
        yield
        return
    with file:
        faulthandler.enable(file)
        try:
            yield
        finally:
            faulthandler.disable()


class _LogFile(logging.FileHandler):
    """A log file that ignores failed writes: a full disk stops a run when its results are written."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Prints no traceback on the terminal."""

    def close(self) -> None:
        """Closes the file, and ignores a failed write."""
        with suppress(OSError):
            super().close()
