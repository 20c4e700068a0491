"""Follows all faces in one video and cuts them out, and writes their clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from ssltoolbox.api import LandmarkDetector
from ssltoolbox.data.extract.clips import ClipWriter, Crop, TrackCrops, is_sparse, seconds
from ssltoolbox.data.extract.faces import find_faces
from ssltoolbox.data.extract.reading import VideoReader
from ssltoolbox.data.extract.tracks import FaceTracker, Track
from ssltoolbox.support.words import counted

SMALL = 80
"""Smallest side in pixels of a picture in which dlib can find a face by default."""
DETECT_SIZE = 480
"""Shorter side in pixels of the copy of a frame in which faces are searched; see benchmarks/RESULTS.md."""

Watch = Callable[[int, int], object]
"""Takes the number of frames looked at so far, and of all that are expected; 0 if that is not known."""


@dataclass(frozen=True)
class Cropping:
    """Settings of the extraction.

    Attributes:
        fps: frames per second of the clips.
        size: height and width of the crops in pixels.
        scale: side of the crop divided by the side of the face's box.
        cut: share of the picture whose colour changes at a cut, and share of a face's surroundings at a change of
            people; see `CutDetector` and `FaceTracker`.
        lost: seconds for which a face may be missing within a clip.
        min_seconds: shorter clips are dropped.
        detect_size: shorter side in pixels of the copy of a frame in which faces are searched; crops are cut from
            the frame itself. 0 searches the frame itself.
    """

    fps: Fraction
    size: int
    scale: float
    cut: float
    lost: float
    min_seconds: float
    detect_size: int = DETECT_SIZE


class NewCrops(NamedTuple):
    """The crops of a face that are ready after a frame.

    Attributes:
        track: the track of the face.
        crops: the next ones of the track.
        ended: True if these are its last.
    """

    track: Track
    crops: Iterable[Crop]
    ended: bool


class VideoCrops:
    """The crops of all faces in a video, found and followed while its frames are read.

    Attributes:
        looked_at: frames in which faces were searched so far.
        without_face: frames without a face so far.
        width, height: of the latest frame in pixels.
    """

    def __init__(self, detector: LandmarkDetector, path: Path, cropping: Cropping, watch: Watch) -> None:
        """
        Args:
            detector: finds the faces; one face in a frame, unless it is a `MultiFaceDetector`.
            path: the video.
            cropping: the settings; `min_seconds` has no effect.
            watch: called after each frame.
        """
        self.looked_at = self.without_face = self.width = self.height = 0
        self._detector, self._cropping, self._watch = detector, cropping, watch
        self._reader = VideoReader(path, cropping.fps, cropping.cut)

    @property
    def damaged(self) -> int:
        """Packets and frames that could not be decoded so far."""
        return self._reader.damaged

    def __iter__(self) -> Iterator[NewCrops]:
        """
        Raises:
            UnreadableVideo: if no frame can be decoded.
            DetectorFailed: if the detector raises an error.
            UserError: if the detector does not give landmarks.
        """
        how = self._cropping
        tracker = FaceTracker(int(how.lost * how.fps), how.cut)
        crops: dict[Track, TrackCrops] = {}
        for sample in self._reader:
            self.height, self.width, _ = sample.image.shape
            faces = find_faces(self._detector, sample.image, how.detect_size)
            self.looked_at += 1
            self.without_face += not faces
            found, ended = tracker.follow(sample.number, sample.shot, faces, sample.image)
            for track in ended:
                yield NewCrops(track, crops.pop(track).finish(), ended=True)
            for track, points in found:
                if track not in crops:
                    crops[track] = TrackCrops(track, how.fps, how.size, how.scale)
                yield NewCrops(track, crops[track].add(sample.image, points), ended=False)
            self._watch(self.looked_at, self._reader.expected)
        for track in tracker.finish():
            yield NewCrops(track, crops.pop(track).finish(), ended=True)


@dataclass(frozen=True)
class Extracted:
    """Counts of the extraction of a video.

    Attributes:
        clips, frames: numbers written.
        looked_at: frames in which faces were searched.
        without_face: frames without a face.
        short: clips that were dropped because they are too short.
        sparse: clips that were dropped because the video has fewer frames per second than wanted.
        damaged: packets and frames that could not be decoded.
        width, height: of the picture in pixels.
    """

    clips: int = 0
    frames: int = 0
    looked_at: int = 0
    without_face: int = 0
    short: int = 0
    sparse: int = 0
    damaged: int = 0
    width: int = 0
    height: int = 0

    @property
    def reason(self) -> str:
        """Why there is no clip; empty if there are some."""
        if self.clips:
            return ""
        if self.without_face == self.looked_at:
            small = "too small: " if min(self.width, self.height) < SMALL else ""
            return (
                f"{small}no face in {counted(self.looked_at, 'frame')} of {self.width} × {self.height} pixels"
            )
        dropped = {
            "shorter than --min-seconds": self.short,
            "with fewer frames per second than --fps": self.sparse,
        }
        return "all clips dropped: " + ", ".join(
            f"{count:,} {why}" for why, count in dropped.items() if count
        )


def extract_video(
    detector: LandmarkDetector,
    path: Path,
    cropping: Cropping,
    folder: Path,
    watch: Watch = lambda looked_at, expected: None,
) -> Extracted:
    """Writes the clips of a video's faces to `folder/00001`, `00002`, …, in the order in which they begin.

    Args:
        detector: finds the faces; one face in a frame, unless it is a `MultiFaceDetector`.
        path: the video.
        cropping: the settings.
        folder: it is made, and stays empty if there is no face.
        watch: called after each frame.

    Raises:
        UnreadableVideo: if no frame can be decoded.
        DetectorFailed: if the detector raises an error.
        UserError: if the detector does not give landmarks.
    """
    folder.mkdir(parents=True)
    faces = VideoCrops(detector, path, cropping, watch)
    writers = _Writers(folder, cropping)
    for track, crops, ended in faces:
        if ended:
            writers.finish(track, crops)
        else:
            writers.write(track, crops)
    writers.number()
    return Extracted(
        clips=len(writers.kept),
        frames=sum(len(track.numbers) for track in writers.kept),
        looked_at=faces.looked_at,
        without_face=faces.without_face,
        short=writers.short,
        sparse=writers.sparse,
        damaged=faces.damaged,
        width=faces.width,
        height=faces.height,
    )


class _Writers:
    """The clips of a video: open ones, kept ones, and counts of dropped ones."""

    def __init__(self, folder: Path, cropping: Cropping) -> None:
        self.kept: list[Track] = []
        self.short = 0
        self.sparse = 0
        self._folder = folder
        self._cropping = cropping
        self._open: dict[Track, ClipWriter] = {}

    def write(self, track: Track, crops: Iterable[Crop]) -> None:
        """Writes the next crops of a track; its clip begins with the first call."""
        if track not in self._open:
            self._open[track] = ClipWriter(self._begun(track))
        self._open[track].write(crops)

    def finish(self, track: Track, crops: Iterable[Crop]) -> None:
        """Ends a clip with its last crops, and keeps it if it is long enough."""
        writer = self._open.pop(track)
        if seconds(track, self._cropping.fps) < self._cropping.min_seconds:
            self.short += 1
            writer.discard()
        elif is_sparse(track):
            self.sparse += 1
            writer.discard()
        else:
            self.kept.append(track)
            writer.write(crops)
            writer.finish()

    def number(self) -> None:
        """Renames the kept clips to consecutive numbers."""
        for number, track in enumerate(sorted(self.kept, key=lambda one: one.number), start=1):
            self._begun(track).rename(self._folder / f"{number:05d}")

    def _begun(self, track: Track) -> Path:
        return self._folder / f"track{track.number}"
