"""Faces and landmarks by MediaPipe's FaceLandmarker (API 1.x)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from ssltoolbox.api import UserError
from ssltoolbox_mediapipe import MediaPipeOptions
from ssltoolbox_mediapipe.mapping import to_ibug

MODEL_ADVICE = (
    "get face_landmarker.task from Google's page on MediaPipe's Face Landmarker, "
    "and name it with --set model=FILE"
)


class MediaPipeDetector:
    """Follows `ssltoolbox.api.MultiFaceDetector`."""

    def __init__(self, options: MediaPipeOptions) -> None:
        """
        Raises:
            UserError: where MediaPipe or the model file is missing, or the file is another one.
        """
        if options.model is None:
            raise UserError("detector mediapipe needs a model, and MediaPipe brings none", MODEL_ADVICE)
        if not options.model.is_file():
            raise UserError(f"detector mediapipe: there is no file {options.model}", MODEL_ADVICE)
        self._mediapipe, tasks = _mediapipe()
        settings = tasks.vision.FaceLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_path=str(options.model)),
            num_faces=options.faces,
            min_face_detection_confidence=options.confidence,
        )
        try:
            self._landmarker = tasks.vision.FaceLandmarker.create_from_options(settings)
        except (RuntimeError, ValueError) as error:
            reason = f"detector mediapipe: {options.model} is no FaceLandmarker model ({error})"
            raise UserError(reason, MODEL_ADVICE) from error

    def detect(self, image: np.ndarray) -> np.ndarray | None:
        """[H, W, 3] uint8 RGB → [68, 2] float32 pixels of the largest face, or None."""
        return next(iter(self.faces(image)), None)

    def faces(self, image: np.ndarray) -> list[np.ndarray]:
        """[H, W, 3] uint8 RGB → [68, 2] float32 pixels of each face, the largest first."""
        height, width, _ = image.shape
        pixels = np.ascontiguousarray(image)
        found = self._landmarker.detect(
            self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=pixels)
        )
        meshes = [np.array([(point.x, point.y) for point in face]) for face in found.face_landmarks]
        return sorted((to_ibug(mesh, width, height) for mesh in meshes), key=_area, reverse=True)


def _area(points: np.ndarray) -> float:
    return float(np.ptp(points, axis=0).prod())


def _mediapipe() -> tuple[Any, Any]:
    """The library, and its `tasks.python`."""
    try:
        return import_module("mediapipe"), import_module("mediapipe.tasks.python")
    except (ImportError, OSError) as error:
        reason = f"detector mediapipe can't import mediapipe ({error})"
        raise UserError(reason, "pip install 'ssltoolbox[mediapipe]'") from error
