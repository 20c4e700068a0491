"""What a table of labelled images says; no image is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ssltoolbox.api import EXPRESSIONS, Split, UserError
from ssltoolbox.data.index.table import Table, plain
from ssltoolbox.data.labelled.places import needed_folder
from ssltoolbox.data.splits import split_of

if TYPE_CHECKING:
    from ssltoolbox.data.labelled.own.options import LabelledOptions

SPLITS: Mapping[str, Split] = {
    "train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
NOT_LABELS = ("path", "split", "identity", "video", "clip", "frame", "time")
MOST_CLASSES = 256
"""A column with more texts than this holds no classes."""
_NONE = ("", "nan", "none", "null")


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images of a table.

    Attributes:
        root: the folder that paths are below.
        paths: [n] below it.
        splits: [n] of str.
        identities: [n] int64; where nobody knows who is who, everyone is someone else.
        labels: name → [n] int64 classes with -1 for none, or float32 numbers with NaN for none.
        classes: name → the names of its classes, by number.
        repeated: rows of the table that repeat one before.
    """

    root: Path
    paths: np.ndarray
    splits: np.ndarray
    identities: np.ndarray
    labels: Mapping[str, np.ndarray]
    classes: Mapping[str, tuple[str, ...]]
    repeated: int = 0

    def of(self, split: Split) -> LabelledImages:
        """Those of a split."""
        own = self.splits == split
        return replace(
            self,
            paths=self.paths[own],
            splits=self.splits[own],
            identities=self.identities[own],
            labels={name: values[own] for name, values in self.labels.items()},
        )


def list_labelled(options: LabelledOptions) -> LabelledImages:
    """All images of a table.

    Raises:
        DataNotFound: where the table or the root is not there.
        UserError: where the table can't be used: which row and column, and why.
    """
    root = needed_folder(options.root or options.table.absolute().parent, "the images")
    table = Table(options.table, needed=("path",))
    names = [name for name in table.names if name not in NOT_LABELS]
    if unknown := sorted(set(options.labels) - set(names)):
        raise UserError(
            f"{options.table}: there is no column {unknown[0]}", f"there are {', '.join(table.names)}"
        )
    repeated = table.drop_repeated(names)
    paths = table.paths(root)
    people = table.texts("identity") if "identity" in table else paths
    labels, classes = {}, {}
    for name in names:
        values, known = _label(table, name, options.labels.get(name))
        if values is not None:
            labels[name] = values
        if known:
            classes[name] = known
    return LabelledImages(
        root=root,
        paths=paths,
        splits=_splits(table, people, options),
        identities=np.unique(people.astype(str), return_inverse=True)[1].astype(np.int64),
        labels=labels,
        classes=classes,
        repeated=repeated,
    )


def _splits(table: Table, people: np.ndarray, options: LabelledOptions) -> np.ndarray:
    if "split" not in table:
        return np.array([split_of(name, options.val, options.test) for name in people])
    splits = []
    for row, text in enumerate(table.texts("split")):
        split = SPLITS.get(text.strip().lower())
        if split is None:
            table.fail(row, "split", f"{text!r} is no split: there are train, val and test")
        splits.append(split)
    if "val" in splits:
        return np.array(splits)
    carved = (split_of(name, options.val, 0.0) for name in people)
    return np.array([part if split == "train" else split for split, part in zip(splits, carved, strict=True)])


def _label(
    table: Table, name: str, wanted: str | Sequence[str] | None
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """[rows] of a column, and the names of its classes; None for a column that holds no label."""
    texts = [plain(text) for text in table.texts(name)]
    given = [text for text in dict.fromkeys(texts) if text not in _NONE]
    if wanted == "number" or (wanted is None and _are_numbers(name, given)):
        return table.numbers(name).astype(np.float32), ()
    known: tuple[str, ...]
    if isinstance(wanted, list):
        known = tuple(wanted)
    elif name == "expression" and set(given) <= {*EXPRESSIONS, *map(str, range(-1, len(EXPRESSIONS)))}:
        known = EXPRESSIONS
    elif all(_is_whole(text) for text in given):
        known = tuple(sorted((text for text in given if text != "-1"), key=int))
    else:
        known = tuple(given)
        if wanted is None and len(known) > MOST_CLASSES:
            return None, ()
    meanings = dict.fromkeys((*_NONE, "-1"), -1)
    if isinstance(wanted, list) or known is EXPRESSIONS:
        meanings |= {str(number): number for number in range(len(known))}
    meanings |= {plain(text): number for number, text in enumerate(known)}
    for row, text in enumerate(texts):
        if text not in meanings:
            table.fail(row, name, f"{text!r} is no class: there are {', '.join(known)}")
    return np.array([meanings[text] for text in texts], np.int64), known


def _are_numbers(name: str, given: Sequence[str]) -> bool:
    if name in ("valence", "arousal"):
        return True
    try:
        numbers = [float(text) for text in given]
    except ValueError:
        return False
    return any(not number.is_integer() or number < -1 for number in numbers) or len(numbers) > MOST_CLASSES


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdigit()
