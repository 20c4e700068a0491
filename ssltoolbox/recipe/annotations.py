"""Reads the type annotations of a pydantic model for a value in its data."""

from __future__ import annotations

import collections.abc
import types
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ssltoolbox.api import Url, is_url
from ssltoolbox.recipe.place import Key, Located, resolve_path

PATH_TEXT = object()
"""Marks a `str` that is the path of a file: `Annotated[str, PATH_TEXT]`."""


def plain_data(node: Located, annotations: Sequence[Any]) -> Any:
    """The node's plain data, with the texts that are paths made absolute.

    A text that the annotations also allow as it is (`Path | str`, `Path | Literal["imagenet"]`, or a URL for
    `Path | Url`) is left alone.

    Args:
        node: the data.
        annotations: the types that it may have.
    """
    if isinstance(node.value, str):
        return str(resolve_path(node)) if _is_path(node.value, annotations) else node.value
    if isinstance(node.value, dict):
        return {key: plain_data(child, inner(annotations, key)) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain_data(child, inner(annotations, key)) for key, child in enumerate(node.value)]
    return node.value


def takes_null(annotations: Iterable[Any]) -> bool:
    """True if data of these types may be null."""
    return any(member in (None, type(None)) for member in _members(annotations))


def paths(node: Located, annotations: Sequence[Any]) -> Iterator[tuple[Located, bool]]:
    """The texts that are paths, each with whether it could also be null."""
    if isinstance(node.value, str) and _is_path(node.value, annotations):
        yield node, takes_null(annotations)
    for key, child in node.items():
        yield from paths(child, inner(annotations, key))


def inner(annotations: Iterable[Any], key: Key) -> list[Any]:
    """The types of the value under a key or at an index, for data of these types.

    >>> inner([dict[str, int] | None, tuple[float, ...]], 0)
    [<class 'float'>]
    """
    found = []
    for member in _members(annotations):
        if isinstance(key, int):
            found += _element_types(member, key)
        else:
            found += _value_types(member, key)
    return found


def fields_of(annotations: Iterable[Any]) -> dict[str, FieldInfo]:
    """The fields, by the names that data uses for them, of the models among the types."""
    return {
        field.alias or name: field
        for member in _members(annotations)
        if _is_subclass(member, BaseModel)
        for name, field in member.model_fields.items()
    }


def _is_path(text: str, annotations: Iterable[Any]) -> bool:
    members = list(_members(annotations))
    allowed_as_it_is = any(
        member is str or text in _literals(member) or (member is Url and is_url(text)) for member in members
    )
    return not allowed_as_it_is and any(_is_subclass(member, Path) for member in members)


def _literals(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _element_types(member: Any, index: int) -> list[Any]:
    origin, arguments = get_origin(member), get_args(member)
    if origin is tuple and Ellipsis not in arguments:
        return [arguments[index]] if index < len(arguments) else []
    is_list = _is_subclass(origin, collections.abc.Iterable) and not _is_subclass(
        origin, collections.abc.Mapping
    )
    return [arguments[0]] if arguments and is_list else []


def _value_types(member: Any, key: str) -> list[Any]:
    if field := fields_of([member]).get(key):
        return [field.annotation]
    is_mapping = _is_subclass(get_origin(member), collections.abc.Mapping)
    return [get_args(member)[1]] if is_mapping else []


def _members(annotations: Iterable[Any]) -> Iterator[Any]:
    """The types in unions, `Annotated` and aliases."""
    for annotation in annotations:
        if get_origin(annotation) in (Union, types.UnionType):
            yield from _members(get_args(annotation))
        elif get_origin(annotation) is Annotated:
            wrapped, *metadata = get_args(annotation)
            yield from _members([Path if PATH_TEXT in metadata else wrapped])
        elif hasattr(annotation, "__value__"):
            yield from _members([annotation.__value__])
        else:
            yield annotation


def _is_subclass(candidate: Any, parent: type) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, parent)
