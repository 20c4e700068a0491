"""Numbers as people read them: counts, sizes in memory, times."""

from __future__ import annotations

MISSING = "–"
_DURATIONS = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def counted(number: int, thing: str) -> str:
    """How many there are of a thing.

    >>> counted(1, "frame"), counted(1200, "clip"), counted(2, "process"), counted(3, "identity")
    ('1 frame', '1,200 clips', '2 processes', '3 identities')
    """
    return f"{number:,} {thing if number == 1 else _plural(thing)}"


def _plural(thing: str) -> str:
    if thing.endswith("ty"):
        return f"{thing[:-1]}ies"
    return f"{thing}es" if thing.endswith(("s", "x")) else f"{thing}s"


def agreeing(number: int, one: str, many: str) -> str:
    """The form of a verb that agrees with a number of things.

    >>> counted(1, "row") + agreeing(1, " repeats", " repeat")
    '1 row repeats'
    """
    return one if number == 1 else many


def described(value: object) -> str:
    """The type of a value; of an array also its shape.

    >>> import numpy as np
    >>> described(np.zeros((2, 3), np.uint8)), described([1, 2])
    ('numpy.uint8 [2, 3]', 'list')
    """
    shape, dtype = getattr(value, "shape", None), str(getattr(value, "dtype", ""))
    if shape is None or not dtype:
        return type(value).__name__
    return f"{dtype if dtype.startswith('torch.') else f'numpy.{dtype}'} {list(shape)}"


def bytes_text(count: float | None) -> str:
    """A size in memory; a dash for none.

    >>> bytes_text(72), bytes_text(73_728), bytes_text(3.5 * 1024**3)
    ('72 bytes', '72 KiB', '3.5 GiB')
    """
    if count is None:
        return MISSING
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1000 or unit == "GiB":
            break
        count /= 1024
    return f"{count:.3g} {unit}"


def duration_text(seconds: float | None) -> str:
    """A time that a person waits for; a dash for none.

    >>> duration_text(0.0123), duration_text(42.4), duration_text(75), duration_text(3.2 * 3600)
    ('12.3 ms', '42 s', '1 min 15 s', '3 h 12 min')
    """
    if seconds is None:
        return MISSING
    if 0 < seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 10:
        return f"{seconds:.3g} s"
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    size, unit, part, of = next(units for units in _DURATIONS if seconds >= units[0])
    return f"{seconds // size} {unit} {seconds % size // part} {of}"
