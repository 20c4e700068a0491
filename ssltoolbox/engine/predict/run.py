"""Writes the table of the predictions of some sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssltoolbox.api import SslToolboxError
from ssltoolbox.engine.predict.gathered import Gathered
from ssltoolbox.engine.predict.predictor import Shown
from ssltoolbox.engine.predict.results import SourceResult
from ssltoolbox.engine.predict.table import prediction_table


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
    results: Iterable[SourceResult],
    outputs: Sequence[Shown],
    output: Path,
    about: Mapping[str, Any],
    tick: Callable[[int], object] = lambda faces: None,
    gathered: Gathered | None = None,
) -> Predicted:
    """Writes the table of predictions, see `PredictionTable`. A source that failed is left out.

    Args:
        results: of the sources.
        outputs: the labels.
        output: the table, `.parquet` or `.csv`.
        about: for its metadata.
        tick: called with the number of faces that were written since the last call.
        gathered: gets the faces that the results have gathered.

    Raises:
        UserError: where the table can't have this name.
        SslToolboxError: where it can't be written, or there is no face at all.
    """
    rows, faces, used = 0, 0, 0
    failed: list[tuple[str, str]] = []
    without_face: list[str] = []
    with prediction_table(output, outputs, about) as table:
        for result in results:
            if result.error:
                failed.append((result.name, result.error))
                continue
            seen: set[tuple[str, int]] = set()
            count = 0
            for found in result.predictions:
                table.write(found)
                seen |= {(row.source, row.face) for row in found.rows}
                count += len(found)
                tick(len(found))
            if gathered and result.faces:
                gathered.take(result.faces)
            rows, faces, used = rows + count, faces + len(seen), used + bool(count)
            without_face += [] if count else [result.name]
        if not rows:
            raise SslToolboxError(_nothing(failed, without_face))
    return Predicted(rows, faces, used, tuple(failed), tuple(without_face))


def _nothing(failed: list[tuple[str, str]], without_face: list[str]) -> str:
    reasons = [f"{name}: {reason}" for name, reason in failed]
    reasons += [f"{name}: no face in it" for name in without_face]
    more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    return f"there is nothing to predict: {'; '.join(reasons[:3])}{more}"
