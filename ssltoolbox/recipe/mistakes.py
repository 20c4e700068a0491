"""Explains pydantic's errors about a value, with one text for each kind of mistake."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from ssltoolbox.api import OptionError
from ssltoolbox.api.suggest import did_you_mean
from ssltoolbox.recipe.problems import quoted, shown
from ssltoolbox.recipe.source import resolve_scalar
from ssltoolbox.support.words import counted

_TYPES = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "path_type": "text",
    "none_required": "null",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "iterable_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
}
NULL_IN_PYTHON = ("None", "none")
"""Texts in YAML by which a user may have meant null."""

_CHOICES = ("literal_error", "enum")
_LIMITS = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
    "multiple_of": ("a multiple of", "multiple_of"),
}
_LENGTHS = {
    "too_short": ("at least", "min_length", "value"),
    "too_long": ("at most", "max_length", "value"),
    "string_too_short": ("at least", "min_length", "character"),
    "string_too_long": ("at most", "max_length", "character"),
}


@dataclass(frozen=True)
class Mistake:
    """One mistake in a value.

    Attributes:
        message, hint: as in `RecipeProblem`.
        options: the options inside the value that are to blame; none for the value itself.
        form_is_wrong: True for a text of the wrong form; the option's description then says more than a pattern.
    """

    message: str
    hint: str = ""
    options: tuple[str, ...] = ()
    form_is_wrong: bool = False


def explain(
    subject: str, value: object, errors: Sequence[ErrorDetails], could_be_null: bool = False
) -> Mistake:
    """The mistake behind errors about one value; there are several for a union.

    Args:
        subject: the name of the value.
        value: the value as located: a scalar, a list or a dict.
        errors: pydantic's.
        could_be_null: whether the value may be null.
    """
    about_types = [error for error in errors if error["type"] in _TYPES or error["type"] in _CHOICES]
    # For a value of one member's type but out of its bounds, the errors of the other members don't matter.
    others = [error for error in errors if error not in about_types]
    if others:
        return _broken_rule(subject, value, others)
    return _wrong_type(subject, value, about_types, could_be_null)


def _wrong_type(subject: str, value: object, errors: Sequence[ErrorDetails], could_be_null: bool) -> Mistake:
    expected = list(dict.fromkeys(_expected(error) for error in errors))
    message = f"{subject} must be {' or '.join(expected)}, not {shown(value)}"
    if value in (None, *NULL_IN_PYTHON) and (could_be_null or expected == ["a list"]):
        return Mistake(message, "write null" if could_be_null else "write [] for none")
    return Mistake(message, _hint(value, expected))


def _expected(error: ErrorDetails) -> str:
    return _TYPES.get(error["type"]) or str(error.get("ctx", {})["expected"])


def _hint(value: object, expected: list[str]) -> str:
    if isinstance(value, str):
        return _hint_for_text(value, expected)
    if value is None:
        return "write a value, or remove the key to have its default"
    if expected == ["true or false"]:
        return "write true or false"
    if expected == ["text"] and isinstance(value, (bool, int, float)):
        return "put it in quotes"
    if isinstance(value, float) and value.is_integer() and "a whole number" in expected:
        return f"write {int(value)}"
    if expected == ["a list"] and not isinstance(value, dict):
        return f"write [{shown(value)}]"
    return ""


def _hint_for_text(text: str, expected: list[str]) -> str:
    choices = [choice for phrase in expected for choice in re.findall(r"'([^']*)'", phrase)]
    if hint := did_you_mean(text, choices):
        return hint
    if expected == ["a list"]:
        return f"write [{quoted(text)[1:-1]}]"
    if not isinstance(resolve_scalar(text), str):
        return "remove the quotes"
    if expected == ["true or false"]:
        return "write true or false"
    digits = text.replace("_", "")
    if not isinstance(resolve_scalar(digits), str):
        return f"write {quoted(digits)[1:-1]}"
    return ""


def _broken_rule(subject: str, value: object, errors: Sequence[ErrorDetails]) -> Mistake:
    error = errors[0]
    kind, context = error["type"], error.get("ctx", {})
    if isinstance(raised := context.get("error"), OptionError):
        return Mistake(raised.message, raised.hint, raised.options)
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        return Mistake(f"{subject} must be {words} {_number(context[key])}, not {shown(value)}")
    if kind in _LENGTHS:
        return Mistake(_wrong_length(subject, value, kind, context))
    if kind == "missing":
        needed = 1 + max(int(details["loc"][-1]) for details in errors)
        return Mistake(f"{subject} must have {counted(needed, 'value')}, not {_length(value)}")
    if kind == "finite_number":
        return Mistake(f"{subject} must be a finite number, not {shown(value)}")
    if kind == "string_pattern_mismatch":
        message = f"{subject} can't be {shown(value)}"
        return Mistake(message, f"it must match {context['pattern']}", form_is_wrong=True)
    if kind in ("value_error", "assertion_error"):
        return Mistake(f"{subject}: {context['error']}")
    text = error["msg"]
    return Mistake(f"{subject}: {text[:1].lower()}{text[1:]}, not {shown(value)}")


def _wrong_length(subject: str, value: object, kind: str, context: dict[str, Any]) -> str:
    words, key, unit = _LENGTHS[kind]
    if context[key] == 1 and key == "min_length":
        return f"{subject} must not be empty"
    return f"{subject} must have {words} {counted(context[key], unit)}, not {_length(value)}"


def _length(value: object) -> int:
    return len(value) if isinstance(value, (str, list, dict)) else 0


def _number(bound: object) -> str:
    return str(int(bound)) if isinstance(bound, float) and bound.is_integer() else str(bound)
