"""How many files this process may have open: loader workers give each tensor of a batch as one."""

from __future__ import annotations

import errno
import sys
from contextlib import suppress

from ssltoolbox.api import UserError

LEAST = 256
"""Below that, work with several processes fails somewhere."""
ENOUGH = 2**16
ADVICE = "raise the limit, as by: ulimit -n 4096"


def allow_many_files() -> None:
    """Raises this process's limit as far as the system lets it.

    Raises:
        UserError: where that is too few.
    """
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    # macOS may have a lower limit than the one that it names.
    with suppress(ValueError, OSError):
        if 0 <= soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    if 0 <= soft < LEAST:
        raise UserError(f"this process may open {soft} files; at least {LEAST} are needed", ADVICE)


def is_too_many_files(error: BaseException) -> bool:
    """True where an error came of that limit; torch has it in its text alone.

    >>> is_too_many_files(OSError(24, "Too many open files")), is_too_many_files(OSError(2, "No such file"))
    (True, False)
    """
    of_the_system = isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)
    return of_the_system or "Too many open files" in str(error)
