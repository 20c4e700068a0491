"""Did you mean …? One helper for every message that names something unknown."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None.

    >>> suggest("simclar", ["simclr", "byol"])
    'simclr'
    >>> suggest("zebra", ["simclr", "byol"]) is None
    True
    """
    lowered = {name.lower(): name for name in known}
    matches = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return lowered[matches[0]] if matches else None
