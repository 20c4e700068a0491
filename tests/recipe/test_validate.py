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
    ("text", "column", "message", "hint"),
    [
        ("{siez: 8}", 2, "unknown option 'siez' of view 'face'", "did you mean 'size'?"),
        ("{lr: 8}", 2, "unknown option 'lr' of view 'face'", "'lr' belongs under 'optim'"),
        ("{seed: 8}", 2, "unknown option 'seed' of view 'face'", "'seed' belongs at the top of the recipe"),
        (
            "{epoch: 8}",
            2,
            "unknown option 'epoch' of view 'face'",
            "did you mean 'epochs', under 'trainer'?",
        ),
        ("{qwxz: 8}", 2, "unknown option 'qwxz' of view 'face'", ""),
        ("{__class__: 8}", 2, "unknown option '__class__' of view 'face'", ""),
        ('{"a\\e": 8}', 2, "unknown option 'a\\x1b' of view 'face'", ""),
        ("{crop: {scal: 1}}", 9, "unknown option 'scal' of 'crop' of view 'face'", "did you mean 'scale'?"),
        (
            "{crops: {a: {scal: 1}}}",
            14,
            "unknown option 'scal' of 'crops.a' of view 'face'",
            "did you mean 'scale'?",
        ),
        ("{size: true}", 8, "size must be a whole number, not true", ""),
        ("{size: '16'}", 8, "size must be a whole number, not '16'", "remove the quotes"),
        ("{size: 1_000}", 8, "size must be a whole number, not '1_000'", "write 1000"),
        ("{size: 16.0}", 8, "size must be a whole number, not 16.0", "write 16"),
        ("{size: 16.5}", 8, "size must be a whole number, not 16.5", ""),
        ("{size: .nan}", 8, "size must be a whole number, not .nan", ""),
        (
            "{size: }",
            7,
            "size must be a whole number, not null",
            "write a value, or remove the key to have its default",
        ),
        ("{size: [8]}", 8, "size must be a whole number, not a list", ""),
        ("{size: 0}", 8, "size must be at least 8, not 0", ""),
        ("{size: 12}", 8, "size must be a multiple of 8, not 12", ""),
        ("{p: 1.5}", 5, "p must be at most 1, not 1.5", ""),
        ("{p: .inf}", 5, "p must be a finite number, not .inf", ""),
        ("{p: true}", 5, "p must be a number, not true", ""),
        ("{p: '3e-4'}", 5, "p must be a number, not '3e-4'", "remove the quotes"),
        ("{p: half}", 5, "p must be a number, not 'half'", ""),
        ("{below: 10}", 9, "below must be less than 10, not 10", ""),
        ("{crop: {scale: 0}}", 16, "scale must be greater than 0, not 0", ""),
        ("{flip: yes}", 8, "flip must be true or false, not 'yes'", "write true or false"),
        ("{flip: 1}", 8, "flip must be true or false, not 1", "write true or false"),
        ("{flip: 'true'}", 8, "flip must be true or false, not 'true'", "remove the quotes"),
        ("{kind: ovla}", 8, "kind must be 'oval' or 'convex_hull', not 'ovla'", "did you mean 'oval'?"),
        ("{kind: 3}", 8, "kind must be 'oval' or 'convex_hull', not 3", ""),
        ("{shape: squre}", 9, "shape must be 'round' or 'square', not 'squre'", "did you mean 'square'?"),
        (
            "{workers: atuo}",
            11,
            "workers must be a whole number or 'auto', not 'atuo'",
            "did you mean 'auto'?",
        ),
        ("{workers: '4'}", 11, "workers must be a whole number or 'auto', not '4'", "remove the quotes"),
        ("{workers: -1}", 11, "workers must be at least 0, not -1", ""),
        ("{pair: [1]}", 8, "pair must have 2 values, not 1", ""),
        ("{pair: []}", 8, "pair must have 2 values, not 0", ""),
        ("{pair: [1, 2, 3]}", 8, "pair must have at most 2 values, not 3", ""),
        ("{pair: [1, x]}", 12, "pair.1 must be a number, not 'x'", ""),
        ("{names: a}", 9, "names must be a list, not 'a'", "write [a]"),
        ("{names: {a: b}}", 2, "names must be a list, not a mapping", ""),
        ("{names: [3]}", 10, "names.0 must be text, not 3", "put it in quotes"),
        ("{names: [a, b, c]}", 9, "names must have at most 2 values, not 3", ""),
        ("{crop: 3}", 8, "crop must be a mapping, not 3", ""),
        ("{word: true}", 8, "word must be text, not true", "put it in quotes"),
        ("{word: ABC}", 8, "word can't be 'ABC'", "A word in lower case"),
        ("{word: ''}", 8, "word must not be empty", ""),
        ("{odd: 2}", 7, "odd: only odd numbers will do", ""),
        ("{word: large}", 1, "view 'face': the word is too large a word", ""),
        ("[a]", 1, "view 'face' must be a mapping, not a list", ""),
    ],
)
def test_mistakes_in_plain_words(text: str, column: int, message: str, hint: str) -> None:
    options, (problem,) = check(text)
    assert options is None
    assert (problem.place.column, problem.message, problem.hint) == (column, message, hint)


class Needy(Options):
    strength: float
    """How strong it is. From 0 to 1."""
    colour: str


def test_what_is_missing_is_reported_at_the_key_of_its_mapping() -> None:
    node, _ = parse("views:\n  colour: red\n  strenght: 1\n", "/r/x.yaml")
    assert node is not None
    _, problems = validate(Needy, node.mapping["views"], where="view 'needy'")
    assert [(p.place.line, p.place.column, p.message, p.hint) for p in problems] == [
        (1, 1, "view 'needy' needs 'strength'", "'strenght' is there; did you mean 'strength'?"),
        (3, 3, "unknown option 'strenght' of view 'needy'", "did you mean 'strength'?"),
    ]
    _, problems = check("{}", Needy)
    assert [(p.place.column, p.message, p.hint) for p in problems] == [
        (1, "view 'face' needs 'strength' and 'colour'", "strength: How strong it is"),
    ]


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
