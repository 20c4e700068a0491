"""Did you mean …? One helper for every message that names something unknown."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST_WORD = 60
"""Longer words are not looked up: the search takes time, and nobody meant them."""


def suggest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant; None if nothing comes close.

    >>> suggest("simclar", ["byol", "mocov2", "simclr"])
    'simclr'
    >>> suggest("Batch-Size", ["batch_size"])
    'batch_size'
    >>> suggest("lr", ["epochs"])
    """
    if len(word) > _LONGEST_WORD:
        return None
    by_plain_form = {_plain_form(name): name for name in sorted(known, reverse=True)}
    close = difflib.get_close_matches(_plain_form(word), by_plain_form, n=1)
    return by_plain_form[close[0]] if close else None


def _plain_form(word: str) -> str:
    return word.casefold().replace("-", "_")
