"""Explains the errors of the YAML parser in plain words."""

from __future__ import annotations

import re

import yaml

from ssltoolbox.recipe.problems import quoted

_EXPLANATIONS = [
    (r"found character '\\t'", "a tab can't be used here", "indent with spaces"),
    (
        "mapping values are not allowed",
        "a ':' can't be used here",
        "check the indentation, or put a text with ': ' in it in quotes",
    ),
    ("sequence entries are not allowed", "a '- ' can't be used here", "begin the list on a line of its own"),
    ("expected the node content", "a value is missing before this", ""),
    ("could not find expected ':'", "a ':' is missing before this", "options are written key: value"),
    (
        "expected (?:<block end>|'<document start>'), but found",
        "this doesn't fit what comes before it",
        "check the indentation, the brackets and the quotes",
    ),
    (
        "expected ',' or '([]}])'",
        "a ',' or {0} is missing before this",
        "close what was opened on line {line}",
    ),
    ("found unexpected end of stream", "a quote is never closed", "it was opened on line {line}"),
    (
        "found unknown escape character '(.*)'",
        "{0} can't follow a backslash in double quotes",
        "use single quotes, or write the backslash twice",
    ),
    ("found character '(.)' that cannot start", "{0} can't begin a text", "put the text in quotes"),
]
"""A pattern of the parser's message, our message and our hint; the pattern's groups fill our message."""


def explain_syntax(error: yaml.YAMLError) -> tuple[str, str]:
    """Message and hint for an error of the parser.

    >>> explain_syntax(yaml.MarkedYAMLError(problem="mapping values are not allowed here"))[0]
    "a ':' can't be used here"
    """
    if isinstance(error, yaml.reader.ReaderError):
        character = quoted(chr(error.character))
        return f"the character {character} can't be used in YAML", "write it as an escape, in double quotes"
    if not isinstance(error, yaml.MarkedYAMLError):
        return f"this is not YAML: {error}", ""
    problem = error.problem or ""
    line = error.context_mark.line + 1 if error.context_mark else 1
    for pattern, message, hint in _EXPLANATIONS:
        if match := re.match(pattern, problem):
            return message.format(*map(quoted, match.groups())), hint.format(line=line)
    return f"this is not YAML: {problem}", ""
