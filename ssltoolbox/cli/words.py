"""The types of options in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def type_text(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """The type that a JSON Schema describes.

    Args:
        schema: of one option, as pydantic writes it.
        definitions: what its references name.

    >>> type_text({"type": "number", "exclusiveMinimum": 0, "maximum": 1.0}, {})
    'number > 0, ≤ 1'
    >>> type_text({"anyOf": [{"enum": ["linear", "knn"]}, {"type": "null"}]}, {})
    'linear or knn or null'
    >>> type_text({"type": "array", "minItems": 2, "maxItems": 2}, {})
    'list of 2'
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
    limits = ", ".join(text.format(value_text(number)) for text, number in _limits(schema))
    text = f"{kind} {limits}".rstrip()
    elements = schema.get("items")
    return f"{text}, each a {type_text(elements, definitions)}" if isinstance(elements, Mapping) else text


def _limits(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The limits in words, each with its number."""
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least is not None and least == most:
        yield "of {}", least
        return
    yield from ((text, schema[key]) for key, text in _LIMITS.items() if key in schema)
