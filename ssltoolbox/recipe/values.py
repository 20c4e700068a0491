"""Turns Python values into located values. The place of a value is its field, such as `trainer.epochs`."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_jsonable_python

from ssltoolbox.recipe.overrides import Override
from ssltoolbox.recipe.place import Located, Place


def located(value: Any, field: str = "") -> Located:
    """A recipe, section or option given in Python, as located values.

    Args:
        value: plain data, paths, tuples and pydantic models.
        field: its field in the recipe, such as `trainer.epochs`; empty for a whole recipe.

    >>> located({"trainer": {"epochs": 3}}).mapping["trainer"].mapping["epochs"].place.file
    'trainer.epochs'
    """
    # Pydantic writes infinity as null in models, but not in dicts. Wrong values are reported by `validate`.
    plain = value.model_dump(warnings=False) if hasattr(value, "model_dump") else value
    return _located(to_jsonable_python(plain, inf_nan_mode="constants"), field)


def override_of(field: str, value: Any) -> Override:
    """An override that sets a field of a recipe, such as `backbone.name`, to a Python value."""
    keys = tuple(field.split("."))
    places = tuple(Place(".".join(keys[: end + 1])) for end in range(len(keys)))
    return Override(keys, places, located(value, field))


def _located(value: Any, field: str) -> Located:
    place = Place(field or "recipe")
    if isinstance(value, dict):
        children = {str(key): _located(child, f"{field}.{key}".lstrip(".")) for key, child in value.items()}
        return Located(children, place)
    if isinstance(value, list):
        return Located([_located(child, f"{field}.{index}") for index, child in enumerate(value)], place)
    return Located(value, place)
