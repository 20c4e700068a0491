"""Numbers, and the types of options, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ssltoolbox.recipe import value_text

_TYPES = {
    "boolean": "true or false",
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "array": "list",
    "object": "mapping",
    "null": "null",
}
_LIMITS = {
    "exclusiveMinimum": "> {}",
    "minimum": "≥ {}",
    "exclusiveMaximum": "< {}",
    "maximum": "≤ {}",
    "minItems": "of {} or more",
    "maxItems": "of {} or fewer",
    "minLength": "of {} or more characters",
    "maxLength": "of {} or fewer characters",
}
_DURATIONS = ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def counted(number: int, thing: str) -> str:
    """How many there are of a thing.

    >>> counted(1, "frame"), counted(1200, "clip")
    ('1 frame', '1,200 clips')
    """
    return f"{number:,} {thing}{'s' * (number != 1)}"


def bytes_text(count: float) -> str:
    """A size in memory.

    >>> bytes_text(72), bytes_text(73_728), bytes_text(3.5 * 1024**3)
    ('72 bytes', '72 KiB', '3.5 GiB')
    """
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1000 or unit == "GiB":
            break
        count /= 1024
    return f"{count:.3g} {unit}"


def duration_text(seconds: float) -> str:
    """A time that a person waits for.

    >>> duration_text(0.0123), duration_text(75), duration_text(3.2 * 3600), duration_text(200 * 3600)
    ('12.3 ms', '1 min 15 s', '3 h 12 min', '8 d 8 h')
    """
    if seconds < 1:
        return f"{1000 * seconds:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    size, unit, part, of = next(units for units in _DURATIONS if seconds >= units[0])
    return f"{int(seconds // size)} {unit} {int(seconds % size // part)} {of}"


def type_text(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """The type that a JSON Schema describes.

    Args:
        schema: of one option, as pydantic writes it.
        definitions: what its references name.

    >>> type_text({"type": "number", "exclusiveMinimum": 0, "maximum": 1.0}, {})
    'number > 0, ≤ 1'
    >>> type_text({"anyOf": [{"enum": ["linear", "knn"]}, {"type": "null"}]}, {})
    'linear or knn or null'
    """
    if "$ref" in schema:
        return type_text(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    if "anyOf" in schema:
        return " or ".join(type_text(member, definitions) for member in schema["anyOf"])
    if "enum" in schema:
        *head, last = map(value_text, schema["enum"])
        return f"{', '.join(head)} or {last}" if head else last
    if "const" in schema:
        return value_text(schema["const"])
    kind = "path" if "path" in schema.get("format", "") else _TYPES.get(schema.get("type", ""), "anything")
    limits = ", ".join(text.format(value_text(schema[key])) for key, text in _LIMITS.items() if key in schema)
    text = f"{kind} {limits}".rstrip()
    elements = schema.get("items")
    return f"{text}, each a {type_text(elements, definitions)}" if isinstance(elements, Mapping) else text
