"""Python values as a tree of located values; the place of a value is its field, such as `trainer.epochs`."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_jsonable_python

from ssltoolbox.recipe.overrides import Override
from ssltoolbox.recipe.place import Located, Place


def located(value: Any, field: str = "") -> Located:
    """A value of Python: a recipe, a section or an option of one.

    Args:
        value: plain data, paths, tuples, models of pydantic.
        field: where it belongs, such as `trainer.epochs`; empty for a whole recipe.

    >>> located({"trainer": {"epochs": 3}}).mapping["trainer"].mapping["epochs"].place.file
    'trainer.epochs'
    """
    # Models turn infinity into null, dicts don't. What is wrong in a value is reported where it is validated.
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
