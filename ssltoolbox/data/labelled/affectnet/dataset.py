"""AffectNet's faces, with expression, valence, arousal and landmarks."""

from __future__ import annotations

import math
import os
from pathlib import Path, PurePath

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.api import Split, UnreadableFrame
from ssltoolbox.data.labelled.affectnet.listing import (
    AFFECT,
    ListedFolder,
    ListedRows,
    affect_of,
    expression_of,
)
from ssltoolbox.data.labelled.options import AffectNetOptions
from ssltoolbox.data.labelled.stills import Still, Stills, points_in, read_box
from ssltoolbox.support.paths import printable


class AffectNet(Stills):
    """Either release; the classes are numbered as `EXPRESSIONS` are."""

    def __init__(self, options: AffectNetOptions, split: Split) -> None:
        """
        Raises:
            DataNotFound, UserError: see `list_affectnet`.
        """
        self.size = options.size
        self._listed = options.listing(split)
        self._starts = (
            self._listed.starts() if isinstance(self._listed, ListedRows) else np.zeros(0, np.int64)
        )

    def __len__(self) -> int:
        return len(self._listed)

    def name(self, index: int) -> str:
        """Its path in the release."""
        listed = self._listed
        return printable(listed.paths[index] if isinstance(listed, ListedRows) else listed.images[index])

    def still(self, index: int) -> Still:
        """The face: cut out by the list's box, where there are lists; those of the folders are cut out already."""
        if isinstance(self._listed, ListedRows):
            return self._of_row(self._listed, index)
        return self._of_folder(self._listed, index)

    def _of_row(self, listed: ListedRows, index: int) -> Still:
        path = listed.paths[index]
        if ".." in PurePath(path).parts or PurePath(path).is_absolute():
            raise UnreadableFrame(f"{printable(path)}: this leads out of {printable(listed.images)}")
        row = listed.rows.row(int(self._starts[index]))
        try:
            left, top, width, height = (float(row[f"face_{side}"]) for side in ("x", "y", "width", "height"))
            points = [float(number) for number in row["facial_landmarks"].split(";") if number]
            labels = _labels(row["expression"], row["valence"], row["arousal"])
        except (ValueError, KeyError) as error:
            raise UnreadableFrame(
                f"{printable(path)}: its row in {listed.rows.path.name}: {error}"
            ) from error
        image, box = read_box(str(listed.images / path), (left, top, width, height), self.size)
        return Still(image, _placed(points, box, self.size), labels)

    def _of_folder(self, listed: ListedFolder, index: int) -> Still:
        name = listed.images[index]
        image, box = read_box(str(listed.folder / "images" / name), None, self.size)
        stem = listed.folder / "annotations" / os.path.splitext(name)[0]
        expression, valence, arousal = (_number(f"{stem}_{kind}.npy") for kind in ("exp", "val", "aro"))
        points = _loaded(f"{stem}_lnd.npy").astype(float).ravel().tolist()
        return Still(image, _placed(points, box, self.size), _labels(expression, valence, arousal))

    def _no_labels(self, count: int) -> dict[str, Tensor]:
        numbers = {name: torch.full((count,), math.nan) for name in AFFECT}
        return {"expression": torch.full((count,), -1), **numbers}


def _labels(expression: str | float, valence: str | float, arousal: str | float) -> dict[str, int | float]:
    affect = dict(zip(AFFECT, map(affect_of, map(float, (valence, arousal))), strict=True))
    return {"expression": expression_of(int(expression)), **affect}


def _placed(points: list[float], box: tuple[float, float, float, float], size: int) -> np.ndarray | None:
    """[68, 2] in pixels of the resized face; None where not 68 were found."""
    return points_in(box, np.array(points).reshape(68, 2), size) if len(points) == 136 else None


def _number(path: str) -> float:
    try:
        return float(_loaded(path).item())
    except ValueError as error:
        raise UnreadableFrame(f"{printable(path)}: a number is expected") from error


def _loaded(path: str) -> np.ndarray:
    """A stored array; pickled objects are never loaded."""
    try:
        loaded: np.ndarray = np.load(Path(path), allow_pickle=False)
    except OSError as error:
        raise UnreadableFrame(f"{printable(path)}: {error.strerror or error}") from error
    # numpy's parser of headers raises more than ValueError on damaged files: EOFError, SyntaxError, …
    except Exception as error:
        raise UnreadableFrame(f"{printable(path)}: not a whole .npy file of plain values") from error
    return loaded
