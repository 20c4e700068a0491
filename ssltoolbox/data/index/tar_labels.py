"""Labels of frames in tar files: the members `.json` and `.cls` of WebDataset's samples."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from weakref import finalize

import numpy as np

from ssltoolbox.data.index.cells import Table, label_value
from ssltoolbox.data.index.columns import columns_of
from ssltoolbox.data.index.listing import ListedClip
from ssltoolbox.data.index.schema import LABELS
from ssltoolbox.data.label_columns import NOT_LABELS, labels_of
from ssltoolbox.support.files import writing
from ssltoolbox.support.paths import is_utf8

CLASS, OBJECT = ".cls", ".json"
CLASS_LABEL = "cls"
"""The label that a member `.cls` gives."""
LARGEST = 2**20
"""Bytes of a member with labels."""
_NO_TEXT = "its labels are not in UTF-8"

Cells = Mapping[str, str]
"""Name of a label → its text, as in a cell of a table."""


def is_labels(name: str) -> bool:
    """Whether a member of a tar file may hold labels."""
    return name.lower().endswith((CLASS, OBJECT))


def read_labels(name: str, content: bytes) -> Cells:
    """The labels in a member: the whole number or word in `.cls`, or the texts and numbers in a JSON object.

    Raises:
        ValueError: where it holds something else: the reason.
    """
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeError:
        raise ValueError(_NO_TEXT) from None
    if name.lower().endswith(CLASS):
        cells = {CLASS_LABEL: text}
    else:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"its labels are no JSON: {error}") from None
        if not isinstance(found, dict):
            raise ValueError('its labels are no JSON object, such as {"expression": "happy"}')
        cells = {key: _text(value) for key, value in found.items() if not isinstance(value, list | dict)}
    if not all(map(is_utf8, (*cells, *cells.values()))):
        raise ValueError(_NO_TEXT)
    for label in LABELS:
        try:
            label_value(label, cells.get(label))
        except ValueError as error:
            raise ValueError(f"{label}: {error}") from None
    return cells


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


@dataclass
class LabelledClips:
    """Clips, and the texts of their frames' labels, in a temporary file: what a label is follows from all of them.

    Attributes:
        classes: label → the names of its classes; known when the clips are added.
        labels, unused: names of the labels, and of keys that can't be labels.
    """

    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Sequence[str] = ()
    unused: Sequence[str] = ()

    def __post_init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115
        finalize(self, self._file.close)
        self._values: Mapping[str, np.ndarray] = {}

    def add(self, clips: Iterable[tuple[ListedClip, Sequence[Cells]]]) -> None:
        """
        Args:
            clips: with the labels of each frame.

        Raises:
            SslToolboxError: where the disk of temporary files is full.
        """
        names: dict[str, None] = {}
        rows = 0
        with writing(Path("temporary files")):
            for clip, cells in clips:
                pickle.dump((clip, cells), self._file)
                names.update(dict.fromkeys(key for each in cells for key in each))
                rows += len(cells)
            self._file.flush()
        if names:
            self._find_labels(list(names), rows)

    def _find_labels(self, names: Sequence[str], rows: int) -> None:
        cells = (tuple(each.get(name, "") for name in names) for _, of in self._stored() for each in of)
        columns = {**columns_of(Path("labels"), names, cells), "path": range(rows)}
        table = Table(Path("labels"), columns)
        values = {name: table.label(name) for name in LABELS if name in table}
        own = labels_of(table, but=(*NOT_LABELS, *LABELS))
        self._values = values | {name: label.values for name, label in own.items()}
        self.classes = {name: label.names for name, label in own.items() if label.names}
        self.labels = sorted(self._values)
        self.unused = [name for name in names if name not in self._values]

    def __iter__(self) -> Iterator[ListedClip]:
        """The clips with their labels."""
        start = 0
        for clip, cells in self._stored():
            end = start + len(cells)
            yield replace(clip, labels={name: values[start:end] for name, values in self._values.items()})
            start = end

    def _stored(self) -> Iterator[tuple[ListedClip, Sequence[Cells]]]:
        self._file.seek(0)
        while True:
            try:
                yield pickle.load(self._file)
            except EOFError:
                return
