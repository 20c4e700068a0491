"""The table of predictions: a row for each face in each frame, as Parquet or CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from ssltoolbox.api import UserError
from ssltoolbox.engine.predict.predictor import Shown, by_output
from ssltoolbox.engine.predict.sources import BOX, FaceRow
from ssltoolbox.support.files import replaced
from ssltoolbox.support.paths import refuse_no_utf8

TYPES = (".parquet", ".csv")


@dataclass(frozen=True, eq=False)
class Predictions:
    """Faces and what was predicted for them.

    Attributes:
        rows: [n] where and when.
        values: [n, C] float32.
    """

    rows: Sequence[FaceRow]
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


class PredictionTable:
    """The open table.

    Columns: `source`, `face`, `frame`, `time` in seconds, `file`, the box in pixels of the frame (`left`, `top`,
    `width`, `height`), then for each label its predictions. Of classes that is the likeliest one, under the
    label's name, and a probability for each.

    Args:
        writer: of Parquet or CSV.
        schema: its columns.
        outputs: the labels.
    """

    def __init__(self, writer: Any, schema: pa.Schema, outputs: Sequence[Shown]) -> None:
        self._writer, self._schema, self._outputs = writer, schema, outputs

    def write(self, found: Predictions) -> None:
        """Adds rows."""
        boxes = [row.box or (None,) * len(BOX) for row in found.rows]
        columns: dict[str, Any] = {
            "source": [row.source for row in found.rows],
            "face": [row.face for row in found.rows],
            "frame": [row.frame for row in found.rows],
            "time": [row.time for row in found.rows],
            "file": [row.file or None for row in found.rows],
            **{name: [box[side] for box in boxes] for side, name in enumerate(BOX)},
        }
        for shown, values in by_output(self._outputs, found.values):
            if shown.output.kind == "classes":
                columns[shown.title] = [shown.output.names[best] for best in values.argmax(axis=1)]
            columns |= {name: values[:, column] for column, name in enumerate(shown.columns)}
        self._writer.write_batch(pa.RecordBatch.from_pydict(columns, schema=self._schema))


@contextmanager
def prediction_table(
    path: Path, outputs: Sequence[Shown], about: Mapping[str, Any]
) -> Iterator[PredictionTable]:
    """A table to write to; it appears under its name at the end, if no exception was raised.

    Args:
        path: ends in one of `TYPES`.
        outputs: the labels.
        about: what a reader should know, for the metadata of Parquet, under "ssltoolbox".

    Raises:
        UserError: where the path is not UTF-8, or has another ending.
        SslToolboxError: where it can't be written.
    """
    check_output(path)
    schema = _schema(outputs).with_metadata({"ssltoolbox": json.dumps(about)})
    with replaced(path) as part:
        kind = pq.ParquetWriter if path.suffix.lower() == ".parquet" else pyarrow.csv.CSVWriter
        with kind(str(part), schema) as writer:
            yield PredictionTable(writer, schema, outputs)


def check_output(path: Path) -> None:
    """
    Raises:
        UserError: where the path is not UTF-8, or has another ending than `TYPES`.
    """
    refuse_no_utf8(path)
    if path.suffix.lower() not in TYPES:
        raise UserError(f"{path}: its name says no type of table", f"end it in {' or '.join(TYPES)}")


def _schema(outputs: Sequence[Shown]) -> pa.Schema:
    columns = [
        ("source", pa.string()),
        ("face", pa.int32()),
        ("frame", pa.int64()),
        ("time", pa.float64()),
        ("file", pa.string()),
        *((name, pa.float32()) for name in BOX),
    ]
    for shown in outputs:
        if shown.output.kind == "classes":
            columns.append((shown.title, pa.string()))
        columns += [(name, pa.float32()) for name in shown.columns]
    return pa.schema(columns)
