"""Predicts for all faces of some sources, and writes the table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ssltoolbox.api import SslToolboxError
from ssltoolbox.data.extract.faces import DetectorFailed
from ssltoolbox.data.extract.reading import UnreadableVideo
from ssltoolbox.engine.predict.gathered import Gathered
from ssltoolbox.engine.predict.predictor import Predictor
from ssltoolbox.engine.predict.sources import Faces
from ssltoolbox.engine.predict.table import Predictions, PredictionTable, prediction_table


@dataclass(frozen=True)
class Predicted:
    """What was done.

    Attributes:
        rows: of the table.
        faces: how many there are in it; each clip of images counts as one.
        sources: how many sources gave some.
        failed: name and reason of each source that could not be used.
        without_face: names of those in which there was none.
    """

    rows: int
    faces: int
    sources: int
    failed: tuple[tuple[str, str], ...]
    without_face: tuple[str, ...]


def predict(
    sources: Iterable[Faces],
    predictor: Predictor,
    output: Path,
    about: Mapping[str, Any],
    tick: Callable[[int], object] = lambda faces: None,
    done: Callable[[Faces], object] = lambda source: None,
    gathered: Gathered | None = None,
) -> Predicted:
    """Writes the table of predictions, see `PredictionTable`. A source that fails is left out.

    Args:
        sources: of faces.
        predictor: has the heads.
        output: the table, `.parquet` or `.csv`.
        about: for its metadata.
        tick: called with the number of faces that are done since the last call.
        done: called with each source that is done.
        gathered: gets the faces too.

    Raises:
        UserError: where the table can't have this name.
        SslToolboxError: where it can't be written, or there is no face at all.
    """
    rows, faces, used = 0, 0, 0
    failed: list[tuple[str, str]] = []
    without_face: list[str] = []
    with prediction_table(output, predictor.outputs, about) as table:
        for source in sources:
            try:
                seen, count = _of_source(source, predictor, table, tick, gathered)
            except (UnreadableVideo, DetectorFailed) as error:
                failed.append((source.name, str(error)))
                if gathered:
                    gathered.forget(source.name)
            else:
                rows, faces, used = rows + count, faces + seen, used + bool(count)
                without_face += [] if count else [source.name]
            done(source)
        if not rows:
            raise SslToolboxError(_nothing(failed, without_face))
    return Predicted(rows, faces, used, tuple(failed), tuple(without_face))


def _of_source(
    source: Faces,
    predictor: Predictor,
    table: PredictionTable,
    tick: Callable[[int], object],
    gathered: Gathered | None,
) -> tuple[int, int]:
    """Writes the rows of a source; gives its numbers of faces and rows."""
    held: list[Predictions] = []
    faces: set[tuple[str, int]] = set()
    count = 0
    for batch in source.batches(predictor.image_size):
        if batch.rows:
            found = Predictions(batch.rows, predictor(batch.images))
            faces |= {(row.source, row.face) for row in batch.rows}
            count += len(found)
            if gathered:
                gathered.add(batch, found.values)
            if source.fails_whole:
                held.append(found)
            else:
                table.write(found)
        tick(len(batch.rows))
    if held:
        table.write(_in_order(held))
    return len(faces), count


def _in_order(parts: list[Predictions]) -> Predictions:
    """All of them as one, face by face."""
    rows = [row for part in parts for row in part.rows]
    order = sorted(range(len(rows)), key=lambda index: (rows[index].face, rows[index].frame))
    values = np.concatenate([part.values for part in parts])
    return Predictions([rows[index] for index in order], values[order])


def _nothing(failed: list[tuple[str, str]], without_face: list[str]) -> str:
    reasons = [f"{name}: {reason}" for name, reason in failed]
    reasons += [f"{name}: no face in it" for name in without_face]
    more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    return f"there is nothing to predict: {'; '.join(reasons[:3])}{more}"
