"""Suggestions for unknown names in messages: "did you mean …?"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MEANINGS = {
    "arch": "name",
    "batchsize": "batch_size",
    "beta": "betas",
    "bs": "batch_size",
    "clip_grad": "gradient_clip",
    "feature_dim": "output_dim",
    "gpus": "devices",
    "grad_clip": "gradient_clip",
    "iterations": "steps",
    "learning_rate": "lr",
    "max_epochs": "epochs",
    "max_steps": "steps",
    "num_epochs": "epochs",
    "num_workers": "workers",
    "pretrained": "weights",
    "proj_dim": "output_dim",
    "tau": "temperature",
    "wd": "weight_decay",
}
"""Name of an option in other libraries → its name here."""

_LONGEST_WORD = 60
"""Longer words are not looked up, because the search would take time."""


def suggest(word: str, known: Iterable[str]) -> str | None:
    """The most similar known word; None if no word is similar.

    >>> suggest("simclar", ["byol", "mocov2", "simclr"])
    'simclr'
    >>> suggest("Batch-Size", ["batch_size"])
    'batch_size'
    >>> suggest("learning_rate", ["lr", "weight_decay"])
    'lr'
    >>> suggest("lr", ["epochs"])
    """
    known = set(known)
    if len(word) > _LONGEST_WORD:
        return None
    if (meaning := _MEANINGS.get(_plain_form(word))) in known:
        return meaning
    by_plain_form = {_plain_form(name): name for name in sorted(known, reverse=True)}
    close = difflib.get_close_matches(_plain_form(word), by_plain_form, n=1)
    return by_plain_form[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with the most similar known word; empty if no word is similar.

    >>> did_you_mean("simclar", ["simclr"])
    "did you mean 'simclr'?"
    """
    meant = suggest(word, known)
    return f"did you mean {meant!r}?" if meant else ""


def _plain_form(word: str) -> str:
    return word.casefold().replace("-", "_")
