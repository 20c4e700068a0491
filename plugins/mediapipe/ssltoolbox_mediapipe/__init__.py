"""MediaPipe's FaceLandmarker, with its points mapped to the 68 iBUG landmarks."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, hookimpl


class MediaPipeOptions(Options):
    """How faces are found."""

    model: Path | None = Field(default=None, strict=False)
    """Path of MediaPipe's face_landmarker.task. It is required, because the library does not contain it."""
    faces: int = Field(default=4, ge=1, le=100)
    """Largest number of faces that are searched in an image."""
    confidence: float = Field(default=0.5, ge=0, le=1)
    """Smallest confidence of a face."""


@hookimpl
def ssltoolbox_landmark_detectors() -> Iterator[Descriptor]:
    yield Descriptor(
        name="mediapipe",
        summary="MediaPipe's FaceLandmarker, with its points mapped to the 68 iBUG landmarks.",
        options=MediaPipeOptions,
        target="ssltoolbox_mediapipe.detector:MediaPipeDetector",
        notice="MediaPipe and its face_landmarker.task are under Apache-2.0.",
        api=2,
    )
