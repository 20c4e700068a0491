"""log.txt: what was said, when, with the tracebacks that a terminal is spared."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ssltoolbox.api import UserError


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
    except UserError as error:
        toolbox.error("%s", error)
        raise
    except BaseException as error:
        toolbox.error("%s: %s", type(error).__name__, error, exc_info=error)
        raise
    finally:
        logging.captureWarnings(False)
        for logger in listening:
            logger.removeHandler(handler)
        handler.close()


class _LogFile(logging.FileHandler):
    """What can't be written to it is left out: a full disk stops a run where its results are written."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Instead of a traceback on the terminal."""

    def close(self) -> None:
        """Writes what it still holds, if that can be."""
        with suppress(OSError):
            super().close()
