"""Templates for HTML and Markdown that escape every text of the user."""

from __future__ import annotations

import re

import jinja2

_SIGNS = re.compile(r"[\\`*{}\[\]<>#|!$]|(?<!\w)_|_(?!\w)")
OURS = "ssltoolbox.report"


def html_template(name: str, package: str = OURS) -> jinja2.Template:
    """A page's template in a package, which may include those of this one; every text is escaped."""
    loaders = [jinja2.PackageLoader(each, "") for each in dict.fromkeys((package, OURS))]
    return _environment(jinja2.ChoiceLoader(loaders), autoescape=True).get_template(name)


def markdown_template(name: str) -> jinja2.Template:
    """A template of this package, with the filters `plain`, `code` and `block`, which escape."""
    environment = _environment(jinja2.PackageLoader(OURS, ""), autoescape=False)
    environment.filters |= {"plain": plain, "code": code, "block": block}
    return environment.get_template(name)


def _environment(loader: jinja2.BaseLoader, autoescape: bool) -> jinja2.Environment:
    return jinja2.Environment(
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        loader=loader,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def plain(text: object) -> str:
    r"""Escapes a text for one line of Markdown.

    >>> plain("a_b <b>|_x_")
    'a_b \\<b\\>\\|\\_x\\_'
    """
    return _SIGNS.sub(r"\\\g<0>", " ".join(str(text).split()))


def code(text: object) -> str:
    """Markdown for code within a line; backticks in it need a longer fence.

    >>> code("a`b")
    '`` a`b ``'
    """
    text = " ".join(str(text).split())
    fence = _fence(text, 1)
    return f"{fence}{text}{fence}" if len(fence) == 1 else f"{fence} {text} {fence}"


def block(text: str, language: str) -> str:
    """Markdown for lines of code, fenced by more backticks than are in them."""
    fence = _fence(text, 3)
    return f"{fence}{language}\n{text}\n{fence}"


def _fence(text: str, least: int) -> str:
    longest = max(map(len, re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)
