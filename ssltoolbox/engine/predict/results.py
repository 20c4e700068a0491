"""What the sources of faces give: images one after the other, videos side by side in processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ssltoolbox.api import LandmarkDetector
from ssltoolbox.data.extract.counts import FrameCounts
from ssltoolbox.data.extract.faces import DetectorFailed
from ssltoolbox.data.extract.reading import UnreadableVideo
from ssltoolbox.data.extract.video import Cropping
from ssltoolbox.engine.predict.gathered import Gathered
from ssltoolbox.engine.predict.opening import Named
from ssltoolbox.engine.predict.predictor import Predictor
from ssltoolbox.engine.predict.sources import Faces
from ssltoolbox.engine.predict.table import Predictions
from ssltoolbox.engine.predict.video_faces import VideoFaces
from ssltoolbox.engine.runs.headed import headed_networks
from ssltoolbox.models.devices import best_device
from ssltoolbox.support.workers import as_done, cores


@dataclass(frozen=True, eq=False)
class SourceResult:
    """What one source gave.

    Attributes:
        name: of the source.
        predictions: in the order of the table; those of images are computed while they are read.
        faces: the same, gathered for a picture or a video, if that was asked for.
        error: why the source can't be used; empty if it can.
    """

    name: str
    predictions: Iterable[Predictions] = ()
    faces: Gathered | None = None
    error: str = ""


@dataclass
class PredictorMaker:
    """Makes the predictor of a run, once in each process. It can be pickled; a predictor can't.

    Attributes:
        run: its folder.
        heads: the tasks; empty for all heads that the run has.
    """

    run: Path
    heads: tuple[str, ...] = ()
    _made: Predictor | None = field(default=None, repr=False)

    def __call__(self) -> Predictor:
        """
        Raises:
            UserError: where the run has no such head.
        """
        self._made = self._made or Predictor(headed_networks(self.run, self.heads), best_device())
        return self._made

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_made": None}


@dataclass(frozen=True)
class VideoWork:
    """How each video is worked on.

    Attributes:
        predictor: makes the predictor.
        detector: makes the detector of faces.
        cropping: how faces are followed and cut out.
        gathers: whether faces are gathered.
    """

    predictor: PredictorMaker
    detector: Callable[[], LandmarkDetector]
    cropping: Cropping
    gathers: bool


def image_results(source: Faces, predictor: Predictor, gathers: bool) -> SourceResult:
    """The result of a folder or an index of images."""
    faces = Gathered() if gathers else None
    return SourceResult(source.name, _predictions(source, predictor, faces), faces)


def video_results(
    named: Named, work: VideoWork, counts: FrameCounts, workers: int, tick: Callable[[int], object]
) -> Iterator[SourceResult]:
    """The results of the videos, in their order, for any number of workers.

    Args:
        named: the videos.
        work: how each is worked on.
        counts: made for that many videos; gets the frames of those under way.
        workers: processes.
        tick: called with the number of videos done since the last call.

    Raises:
        UserError: where the detector can't be made.
    """
    tasks = [(position, video, named.name_of(video)) for position, video in enumerate(named.videos)]
    workers = min(workers, len(tasks))
    waiting: dict[int, SourceResult] = {}
    given = 0
    prepare = partial(_Prediction, work, counts, workers)
    for position, result in as_done(_Prediction.of_video, tasks, workers, prepare, died=_died):
        counts.finish(position)
        tick(1)
        waiting[position] = result
        while given in waiting:
            yield waiting.pop(given)
            given += 1


class _Prediction:
    """The predictions in one process."""

    def __init__(self, work: VideoWork, counts: FrameCounts, workers: int) -> None:
        if workers > 1:
            torch.set_num_threads(max(1, cores() // workers))
        self._work, self._counts, self._detector = work, counts, work.detector()

    def of_video(self, position: int, path: Path, name: str) -> tuple[int, SourceResult]:
        """The position of a video, and its result."""
        watch = partial(self._counts.report, position)
        faces = Gathered() if self._work.gathers else None
        source = VideoFaces(path, name, self._detector, self._work.cropping, watch)
        try:
            found = list(_predictions(source, self._work.predictor(), faces))
        except (UnreadableVideo, DetectorFailed) as error:
            return position, SourceResult(name, error=str(error))
        return position, SourceResult(name, [_by_face(found)] if found else [], faces)


def _died(position: int, _: Path, name: str) -> tuple[int, SourceResult]:
    """The result of a video whose process died while it processed only this video."""
    return position, SourceResult(name, error="the process that read it died")


def _predictions(source: Faces, predictor: Predictor, faces: Gathered | None) -> Iterator[Predictions]:
    for batch in source.batches(predictor.image_size):
        if batch.rows:
            found = Predictions(batch.rows, predictor(batch.images))
            if faces:
                faces.add(batch, found.values)
            yield found


def _by_face(parts: list[Predictions]) -> Predictions:
    """All of them as one, face by face."""
    rows = [row for part in parts for row in part.rows]
    order = sorted(range(len(rows)), key=lambda index: (rows[index].face, rows[index].frame))
    values = np.concatenate([part.values for part in parts])
    return Predictions([rows[index] for index in order], values[order])
