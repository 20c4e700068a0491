"""Extracts many videos into one tree of frames, on all cores. A video is extracted completely or not at all.

The tree also has `left_out.csv`, which lists each file without a clip and the reason, and the folder `.extract/`.
It has `settings.json`, the options; `videos/<identity>/<video>.json`, the result of each video; and, while a
video is processed, its clips.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ssltoolbox.api import LandmarkDetector, SslToolboxError, UserError
from ssltoolbox.data.extract.counts import FrameCounts
from ssltoolbox.data.extract.faces import DetectorFailed
from ssltoolbox.data.extract.reading import UnreadableVideo
from ssltoolbox.data.extract.video import Cropping, Extracted, Watch, extract_video
from ssltoolbox.data.extract.videos import Video
from ssltoolbox.support.clusters import Cluster
from ssltoolbox.support.files import own_name, write_csv, write_json
from ssltoolbox.support.paths import printable
from ssltoolbox.support.shard import Shard, claimed
from ssltoolbox.support.workers import as_done

_WORK, _SETTINGS, _RECORDS, _PARTS = ".extract", "settings.json", "videos", "parts"
LEFT_OUT = "left_out.csv"

MakeDetector = Callable[[], LandmarkDetector]
Tick = Callable[[int], object]
"""Takes the number of videos that are done since the last call."""


@dataclass(frozen=True)
class VideoResult:
    """The result of a video that was processed.

    Attributes:
        video: its path.
        stamp: size in bytes and modification time, to recognise another file of the same name.
        extracted: counts of its clips and frames.
        error: why the video can't be used; empty if it can.
    """

    video: str
    stamp: tuple[int, int]
    extracted: Extracted
    error: str = ""

    @property
    def reason(self) -> str:
        """Why the video has no clip; empty if it has some."""
        return self.error or self.extracted.reason


class FramesFolder:
    """The folder of the frames, and the results of the videos that were processed."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.work = self.path / _WORK

    def take(self, settings: Mapping[str, Any]) -> None:
        """Claims the folder for frames that are extracted with these settings.

        Raises:
            UserError: if it has other content, or frames that were extracted with other settings.
        """
        stored = self.work / _SETTINGS
        if stored.is_file() and self._begun():
            self._refuse_others(json.loads(stored.read_text(encoding="utf-8")), settings)
            return
        if any(not entry.name.startswith(".") for entry in self.path.iterdir()):
            raise UserError(
                f"{printable(self.path)} is not empty, and what is in it was not made by data extract",
                "name another folder",
            )
        write_json(stored, settings)

    def _begun(self) -> bool:
        """Whether a video was finished, or is under way in another process."""
        return any((self.work / name).exists() for name in (_RECORDS, _PARTS))

    def _refuse_others(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        changed = [
            f"{key} {before.get(key)} there, {now.get(key)} now"
            for key in sorted({*before, *now})
            if before.get(key) != now.get(key)
        ]
        if changed:
            raise UserError(
                f"{printable(self.path)} holds frames that were extracted in another way: {'; '.join(changed)}",
                "name another folder, or the same options",
            )

    def clips(self, video: Video) -> Path:
        """The folder of a video's clips."""
        return self.path / video.identity / video.name

    def part(self, video: Video) -> Path:
        """The folder of a video's clips until the video is done, for this process alone."""
        return self.work / _PARTS / own_name() / video.identity / video.name

    def outcome(self, video: Video) -> VideoResult | None:
        """The stored result of a video; None if it was not finished, had an error, or the file has changed.

        Raises:
            UserError: if another video of that name was processed.
        """
        try:
            stored = json.loads(self._record(video).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        outcome = VideoResult(
            stored["video"], tuple(stored["stamp"]), Extracted(**stored["extracted"]), stored["error"]
        )
        if outcome.error:
            return None
        if outcome.stamp != _stamp(video.path) and outcome.video != str(video.path):
            raise UserError(
                f"{printable(self.clips(video))} is from {printable(outcome.video)}, "
                f"and {printable(video.path)} would take its place",
                "rename one, choose another --identity, or another folder",
            )
        return outcome if outcome.stamp == _stamp(video.path) else None

    def keep(self, video: Video, outcome: VideoResult) -> None:
        """Moves the clips of a video to their folder, and records the result."""
        clips, part = self.clips(video), self.part(video)
        if clips.exists():
            shutil.rmtree(clips)
        if outcome.extracted.clips:
            clips.parent.mkdir(parents=True, exist_ok=True)
            os.rename(part, clips)
        write_json(self._record(video), asdict(outcome))

    def keep_reasons(self, outcomes: Sequence[VideoResult], others: Sequence[Path]) -> None:
        """Writes `left_out.csv`: each video without a clip, and each file of another type."""
        rows = [(printable(outcome.video), outcome.reason) for outcome in outcomes if outcome.reason]
        rows += [(printable(path), f"another type: {path.suffix or 'none'}") for path in others]
        write_csv(self.path / LEFT_OUT, ("path", "reason"), rows)

    def _record(self, video: Video) -> Path:
        return self.work / _RECORDS / video.identity / f"{video.name}.json"


def extract_videos(
    videos: Sequence[Video],
    folder: Path,
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
        folder: the folder of the frames.
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
        UserError: if the folder has other content, another process uses it, or the detector can't be made.
        SslToolboxError: where the folder can't be written to.
    """
    frames = FramesFolder(folder)
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
        for video, outcome in as_done(_extract, tasks, workers, _prepare, (make, shared), died=_died):
            outcomes[video] = outcome
            counts.finish(positions[video])
            tick(1)
        found = [outcomes[video] for video in mine]
        if not shard:
            shutil.rmtree(frames.work / _PARTS, ignore_errors=True)
            frames.keep_reasons(found, others)
    return found


class _ExtractWorker:
    """State of a worker process between videos."""

    make: MakeDetector
    counts: FrameCounts | None
    detector: LandmarkDetector | None


def _prepare(make: MakeDetector, counts: FrameCounts | None) -> None:
    _ExtractWorker.make, _ExtractWorker.counts, _ExtractWorker.detector = make, counts, None


def _extract(
    frames: FramesFolder, video: Video, cropping: Cropping, position: int
) -> tuple[Video, VideoResult]:
    # Made here, because an error at the start of a process would not be reported.
    _ExtractWorker.detector = _ExtractWorker.detector or _ExtractWorker.make()
    counts = _ExtractWorker.counts
    watch: Watch = partial(counts.report, position) if counts else _unwatched
    part = frames.part(video)
    stamp = _stamp(video.path)
    try:
        shutil.rmtree(part, ignore_errors=True)
        try:
            extracted = extract_video(_ExtractWorker.detector, video.path, cropping, part, watch)
            outcome = VideoResult(str(video.path), stamp, extracted)
        except (UnreadableVideo, DetectorFailed) as error:
            outcome = VideoResult(str(video.path), stamp, Extracted(), error=str(error))
        frames.keep(video, outcome)
    except OSError as error:
        raise SslToolboxError(f"can't write to {frames.path}: {error.strerror or error}") from error
    return video, outcome


def _unwatched(looked_at: int, expected: int) -> None:
    """Ignores the counts of a video."""


def _died(frames: FramesFolder, video: Video, _: Cropping, __: int) -> tuple[Video, VideoResult]:
    """Records a video whose process died while it processed only this video."""
    outcome = VideoResult(
        str(video.path), _stamp(video.path), Extracted(), error="the process that read it died"
    )
    frames.keep(video, outcome)
    return video, outcome


def _stamp(path: Path) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds; zeros for a file that has vanished."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns
