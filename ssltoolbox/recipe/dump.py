"""Writes recipes, and single values, as YAML text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from ssltoolbox.recipe.source import PLAIN_NUMBER


class _Dumper(yaml.SafeDumper):
    """Quotes text that YAML 1.1 or YAML 1.2 would read as another type; writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    # Other styles don't escape U+0085 and similar characters, which a reader would take for line ends.
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _text)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", PLAIN_NUMBER, list("+-.0123456789"))


def dump(recipe: BaseModel) -> str:
    """The recipe as YAML, sections in order, every option written out, paths as they are.

    Loaded again it is an equal recipe.
    """
    # From a dict, not from the model: models turn infinity into null.
    data = to_jsonable_python(recipe.model_dump(), inf_nan_mode="constants")
    return yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=2**20
    )


def value_text(value: Any) -> str:
    """A value of a recipe, as a person would write it.

    >>> value_text([25 / 6, True, None, "linear", "", {"k": 5}])
    '[4.16667, true, null, linear, "", {k: 5}]'
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {value_text(item)}" for key, item in value.items()) + "}"
    return "null" if value is None else str(value) or '""'
