"""Types of options in words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import pytest
from helpers.golden import Golden
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
    "name",
    [
        "flag",
        "count",
        "share",
        "text",
        "path",
        "choice",
        "only",
        "perhaps",
        "offsets",
        "pair",
        "inner",
        "table",
    ],
)
def test_types_of_options_are_shown_in_words(name: str, golden: Golden) -> None:
    schema = Every.model_json_schema()
    golden(type_text(schema["properties"][name], schema["$defs"]))
