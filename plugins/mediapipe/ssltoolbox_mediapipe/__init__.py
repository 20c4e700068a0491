"""MediaPipe's FaceLandmarker, its points mapped to the 68 of iBUG."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, hookimpl


class MediaPipeOptions(Options):
    """How faces are found."""

    model: Path | None = Field(default=None, strict=False)
    """MediaPipe's face_landmarker.task; it must be named: the library brings none."""
    faces: int = Field(default=4, ge=1, le=100)
    """The most faces that are looked for in an image."""
    confidence: float = Field(default=0.5, ge=0, le=1)
    """The least confidence of a face."""


@hookimpl
def ssltoolbox_landmark_detectors() -> Iterator[Descriptor]:
    yield Descriptor(
        name="mediapipe",
        summary="MediaPipe's FaceLandmarker, its points mapped to the 68 of iBUG.",
        options=MediaPipeOptions,
        target="ssltoolbox_mediapipe.detector:MediaPipeDetector",
        notice="MediaPipe and its face_landmarker.task are under Apache-2.0.",
        api=2,
    )
