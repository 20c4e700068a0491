"""Texts of the user in Markdown: names stay names, whatever signs are in them."""

from __future__ import annotations

import re

_SIGNS = re.compile(r"[\\`*{}\[\]<>#|!$]|(?<!\w)_|_(?!\w)")


def plain(text: object) -> str:
    r"""On one line, with no character that Markdown takes for a sign of its own.

    >>> plain("mask_fn <b>|_x_")
    'mask_fn \\<b\\>\\|\\_x\\_'
    """
    return _SIGNS.sub(r"\\\g<0>", " ".join(str(text).split()))


def code(text: object) -> str:
    """The same as code within a line, where there is no escape but a longer fence.

    >>> code("a`b")
    '`` a`b ``'
    """
    text = " ".join(str(text).split())
    fence = _fence(text, 1)
    return f"{fence}{text}{fence}" if len(fence) == 1 else f"{fence} {text} {fence}"


def block(text: str, language: str) -> str:
    """Lines of code, fenced by more backticks than are in them."""
    fence = _fence(text, 3)
    return f"{fence}{language}\n{text}\n{fence}"


def _fence(text: str, least: int) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)
