"""Types of options in words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from ssltoolbox.api import Options
from ssltoolbox.cli.words import type_text


class Inner(Options):
    """Options inside options."""

    side: int = 8


class Every(Options):
    """An option of each type."""

    flag: bool = True
    count: int = Field(default=1, ge=1, le=16)
    share: float = Field(default=0.5, gt=0, lt=1)
    text: str = Field(default="a", min_length=1)
    path: Path = Path("a")
    choice: Literal["linear", "knn"] = "linear"
    only: Literal["linear"] = "linear"
    perhaps: float | None = None
    offsets: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = (1.0,)
    pair: tuple[float, float] = (0.0, 1.0)
    inner: Inner = Inner()
    table: dict[str, int] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("flag", "true or false"),
        ("count", "whole number ≥ 1, ≤ 16"),
        ("share", "number > 0, < 1"),
        ("text", "text of 1 or more characters"),
        ("path", "path"),
        ("choice", "linear or knn"),
        ("only", "linear"),
        ("perhaps", "number or null"),
        ("offsets", "list of 1 or more, each a number > 0"),
        ("pair", "list of 2 or more, of 2 or fewer"),
        ("inner", "mapping"),
        ("table", "mapping"),
    ],
)
def test_types_of_options_are_shown_in_words(name: str, text: str) -> None:
    schema = Every.model_json_schema()
    assert type_text(schema["properties"][name], schema["$defs"]) == text
