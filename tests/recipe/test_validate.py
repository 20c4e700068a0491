from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from helpers.golden import Golden
from pydantic import Field, FilePath, field_validator, model_validator

from ssltoolbox.api import Options
from ssltoolbox.recipe import RecipeProblem, validate
from ssltoolbox.recipe.source import parse

ELSEWHERE = {"optim": ("lr", "schedule"), "trainer": ("epochs", "steps"), "": ("seed", "extends")}


class Shape(Enum):
    ROUND = "round"
    SQUARE = "square"


class Crop(Options):
    scale: float = Field(default=1.0, gt=0, le=1)
    padding: int = 0


class Face(Options):
    size: int = Field(default=112, ge=8, multiple_of=8)
    p: float = Field(default=0.5, ge=0, le=1)
    flip: bool = True
    kind: Literal["oval", "convex_hull"] = "oval"
    shape: Shape = Shape.ROUND
    workers: Annotated[int, Field(ge=0)] | Literal["auto"] = "auto"
    pair: tuple[float, float] = (0.0, 1.0)
    names: tuple[str, ...] = Field(default=(), max_length=2)
    tags: frozenset[str] = frozenset()
    crop: Crop = Crop()
    crops: dict[str, Crop] = Field(default_factory=dict)
    word: str = Field(default="abc", pattern="^[a-z]+$", min_length=1)
    """A word in lower case. Used nowhere."""
    odd: int = 1
    below: float = Field(default=0.0, lt=10)

    @field_validator("odd")
    @classmethod
    def _is_odd(cls, odd: int) -> int:
        if odd % 2 == 0:
            raise ValueError("only odd numbers will do")
        return odd

    @model_validator(mode="after")
    def _small_words_only(self) -> "Face":
        if self.word == "large":
            raise ValueError("the word is too large a word")
        return self


def check(text: str, model: type[Options] = Face) -> tuple[Options | None, list[RecipeProblem]]:
    node, problems = parse(text, "/r/x.yaml")
    assert node is not None
    assert not problems
    return validate(model, node, where="view 'face'", elsewhere=ELSEWHERE)


def parsed(text: str) -> Face:
    options, problems = check(text)
    assert problems == []
    assert isinstance(options, Face)
    return options


def test_what_strict_types_still_accept() -> None:
    options = parsed(
        "{p: 1, pair: [1, 2.5], names: [a], tags: [a, a], shape: square, kind: oval, workers: 3}"
    )
    assert (options.p, options.pair, options.names, options.tags) == (1.0, (1.0, 2.5), ("a",), {"a"})
    assert type(options.p) is float
    assert (options.shape, options.kind, options.workers) == (Shape.SQUARE, "oval", 3)
    assert parsed("{p: 1e-3, crops: {a: {scale: 0.5}}}").crops == {"a": Crop(scale=0.5)}


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("{siez: 8}", 2),
        ("{lr: 8}", 2),
        ("{seed: 8}", 2),
        ("{epoch: 8}", 2),
        ("{qwxz: 8}", 2),
        ("{__class__: 8}", 2),
        ('{"a\\e": 8}', 2),
        ("{crop: {scal: 1}}", 9),
        ("{crops: {a: {scal: 1}}}", 14),
        ("{size: true}", 8),
        ("{size: '16'}", 8),
        ("{size: 1_000}", 8),
        ("{size: 16.0}", 8),
        ("{size: 16.5}", 8),
        ("{size: .nan}", 8),
        ("{size: }", 7),
        ("{size: [8]}", 8),
        ("{size: 0}", 8),
        ("{size: 12}", 8),
        ("{p: 1.5}", 5),
        ("{p: .inf}", 5),
        ("{p: true}", 5),
        ("{p: '3e-4'}", 5),
        ("{p: half}", 5),
        ("{below: 10}", 9),
        ("{crop: {scale: 0}}", 16),
        ("{flip: yes}", 8),
        ("{flip: 1}", 8),
        ("{flip: 'true'}", 8),
        ("{kind: ovla}", 8),
        ("{kind: 3}", 8),
        ("{shape: squre}", 9),
        ("{workers: atuo}", 11),
        ("{workers: '4'}", 11),
        ("{workers: -1}", 11),
        ("{pair: [1]}", 8),
        ("{pair: []}", 8),
        ("{pair: [1, 2, 3]}", 8),
        ("{pair: [1, x]}", 12),
        ("{names: a}", 9),
        ("{names: {a: b}}", 2),
        ("{names: [3]}", 10),
        ("{names: [a, b, c]}", 9),
        ("{crop: 3}", 8),
        ("{word: true}", 8),
        ("{word: ABC}", 8),
        ("{word: ''}", 8),
        ("{odd: 2}", 7),
        ("{word: large}", 1),
        ("[a]", 1),
    ],
)
def test_mistakes_in_plain_words(text: str, column: int, golden: Golden) -> None:
    options, (problem,) = check(text)
    assert options is None
    assert problem.place.column == column
    golden(problem.message)
    golden(problem.hint)


class Needy(Options):
    strength: float
    """How strong it is. From 0 to 1."""
    colour: str


def test_what_is_missing_is_reported_at_the_key_of_its_mapping(golden: Golden) -> None:
    node, _ = parse("views:\n  colour: red\n  strenght: 1\n", "/r/x.yaml")
    assert node is not None
    _, problems = validate(Needy, node.mapping["views"], where="view 'needy'")
    assert [(p.place.line, p.place.column) for p in problems] == [(1, 1), (3, 3)]
    _, [both] = check("{}", Needy)
    assert both.place.column == 1
    for problem in (*problems, both):
        golden(f"{problem.message}: {problem.hint}")


def test_all_mistakes_come_at_once() -> None:
    _, problems = check("{size: 4, p: x, flip: no, kidn: oval}")
    assert sorted(problem.place.column for problem in problems) == [8, 14, 23, 27]


class Paths(Options):
    file: Path | None = None
    several: tuple[Path, ...] = ()
    by_name: dict[str, list[Path]] = Field(default_factory=dict)
    pair: tuple[str, Path] | None = None
    inner: "Paths | None" = None
    word_or_path: Literal["imagenet"] | Path | None = None
    text_or_path: str | Path = ""
    text: str = ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{file: a.npy}", {"file": Path("/r/a.npy")}),
        ("{file: null}", {"file": None}),
        ("{several: [a, /b, ../c]}", {"several": (Path("/r/a"), Path("/b"), Path("/c"))}),
        ("{by_name: {x: [a]}}", {"by_name": {"x": [Path("/r/a")]}}),
        ("{pair: [a, b]}", {"pair": ("a", Path("/r/b"))}),
        ("{inner: {file: a}}", {"inner": Paths(file=Path("/r/a"))}),
        ("{word_or_path: imagenet}", {"word_or_path": "imagenet"}),
        ("{word_or_path: a}", {"word_or_path": Path("/r/a")}),
        ("{text_or_path: a, text: b}", {"text_or_path": "a", "text": "b"}),
    ],
)
def test_paths_become_absolute(text: str, expected: dict[str, Any]) -> None:
    options, problems = check(text, Paths)
    assert problems == []
    assert options == Paths(**expected)


class Existing(Options):
    file: FilePath


def test_validators_see_the_absolute_path(tmp_path: Path) -> None:
    (tmp_path / "a.npy").touch()
    node, _ = parse("{file: a.npy}", str(tmp_path / "x.yaml"))
    assert node is not None
    options, problems = validate(Existing, node)
    assert problems == []
    assert options == Existing(file=tmp_path / "a.npy")


def test_a_path_that_is_no_text(golden: Golden) -> None:
    _, (problem,) = check("{file: 3}", Paths)
    golden(problem.message)
