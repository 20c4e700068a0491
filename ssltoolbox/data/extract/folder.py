"""Extracts many videos into one tree of frames, on all cores. A video is extracted completely or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from ssltoolbox.api import LandmarkDetector, SslToolboxError
from ssltoolbox.data.extract.counts import FrameCounts
from ssltoolbox.data.extract.faces import DetectorFailed
from ssltoolbox.data.extract.output import FramesFolder, RemoteFramesFolder, VideoResult, stamp_of
from ssltoolbox.data.extract.reading import UnreadableVideo
from ssltoolbox.data.extract.video import Cropping, Extracted, Watch, extract_video
from ssltoolbox.data.extract.videos import Video
from ssltoolbox.support.clusters import Cluster
from ssltoolbox.support.remote import RemoteFolder
from ssltoolbox.support.shard import Shard, claimed
from ssltoolbox.support.workers import as_done

MakeDetector = Callable[[], LandmarkDetector]
Tick = Callable[[int], object]
"""Takes the number of videos that are done since the last call."""


def extract_videos(
    videos: Sequence[Video],
    folder: Path | RemoteFolder,
    cropping: Cropping,
    make: MakeDetector,
    detector: Mapping[str, Any],
    *,
    workers: int | Cluster,
    tick: Tick,
    others: Sequence[Path] = (),
    counts: FrameCounts | None = None,
    shard: Shard | None = None,
) -> list[VideoResult]:
    """Extracts the faces of all videos that are not done yet.

    If the process is killed, the same call continues with the remaining videos. A video that can't be read is
    recorded, and tried again by the next call. The bytes are the same for any number of workers.

    Args:
        videos: as `find_videos` gives them.
        folder: the folder of the frames. On remote storage, each video is extracted on this machine, and its clips
            are then copied.
        cropping: the settings.
        make: makes the detector, once in each process; it is pickled.
        detector: name and options of the detector as JSON; a folder has frames of one detector only.
        workers: processes, or a cluster.
        tick: called with progress.
        others: files of other types, for `left_out.csv`.
        counts: made for that many videos, takes the frames of those under way, by their position in `videos`;
            a cluster doesn't report them.
        shard: only extract its share of the videos; the call without a shard writes `left_out.csv`.

    Returns:
        The results, in the order of the videos: of the shard, if there is one.

    Raises:
        UserError: if the folder has other content, another process uses it, the detector can't be made, or remote
            storage can't be used.
        SslToolboxError: where the folder can't be written to.
    """
    frames = FramesFolder(folder) if isinstance(folder, Path) else RemoteFramesFolder(folder)
    with claimed(frames.work, shard):
        frames.take({**asdict(cropping), "fps": str(cropping.fps), "detector": dict(detector)})
        mine = shard.of(videos) if shard else videos
        outcomes = {video: outcome for video in mine if (outcome := frames.outcome(video))}
        tick(len(videos) - len(mine) + len(outcomes))
        positions = {video: position for position, video in enumerate(videos)}
        tasks = [(frames, video, cropping, positions[video]) for video in mine if video not in outcomes]
        counts = counts or FrameCounts(len(videos))
        # Processes of this machine inherit the memory of the counts; others can't.
        shared = None if isinstance(workers, Cluster) else counts
        prepare = partial(_Extraction, make, shared)
        for video, outcome in as_done(_Extraction.of_video, tasks, workers, prepare, died=_died):
            outcomes[video] = outcome
            counts.finish(positions[video])
            tick(1)
        found = [outcomes[video] for video in mine]
        if not shard:
            frames.finish(found, others)
    return found


class _Extraction:
    """The extraction in one process."""

    def __init__(self, make: MakeDetector, counts: FrameCounts | None) -> None:
        self._detector, self._counts = make(), counts

    def of_video(
        self, frames: FramesFolder, video: Video, cropping: Cropping, position: int
    ) -> tuple[Video, VideoResult]:
        """The video, and its result."""
        watch: Watch = partial(self._counts.report, position) if self._counts else _unwatched
        part = frames.part(video)
        stamp = stamp_of(video.path)
        try:
            shutil.rmtree(part, ignore_errors=True)
            try:
                extracted = extract_video(self._detector, video.path, cropping, part, watch)
                outcome = VideoResult(str(video.path), stamp, extracted)
            except (UnreadableVideo, DetectorFailed) as error:
                outcome = VideoResult(str(video.path), stamp, Extracted(), error=str(error))
            frames.keep(video, outcome)
        except OSError as error:
            raise SslToolboxError(f"can't write to {frames.name}: {error.strerror or error}") from error
        return video, outcome


def _unwatched(looked_at: int, expected: int) -> None:
    """Ignores the counts of a video."""


def _died(frames: FramesFolder, video: Video, _: Cropping, __: int) -> tuple[Video, VideoResult]:
    """Records a video whose process died while it processed only this video."""
    outcome = VideoResult(
        str(video.path), stamp_of(video.path), Extracted(), error="the process that read it died"
    )
    frames.keep(video, outcome)
    return video, outcome
