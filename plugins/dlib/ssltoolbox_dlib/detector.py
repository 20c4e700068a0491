"""Faces by dlib's HOG detector, their landmarks by its shape predictor."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np

from ssltoolbox.api import UserError
from ssltoolbox_dlib import DlibOptions

MODEL = "shape_predictor_68_face_landmarks.dat"
MODEL_PACKAGE = "face_recognition_models"
INSTALL = "pip install 'ssltoolbox[dlib]'"


class DlibDetector:
    """Follows `ssltoolbox.api.MultiFaceDetector`."""

    def __init__(self, options: DlibOptions) -> None:
        """
        Raises:
            UserError: where dlib or the model file is missing, or the file is another one.
        """
        dlib = _dlib()
        self._upsample = options.upsample
        self._find = dlib.get_frontal_face_detector()
        model = options.model or _installed_model()
        if not model.is_file():
            raise UserError(f"detector dlib: there is no file {model}", _advice())
        try:
            self._predict = dlib.shape_predictor(str(model))
        except RuntimeError as error:
            raise UserError(f"detector dlib: {model} is not a shape predictor of dlib", _advice()) from error

    def detect(self, image: np.ndarray) -> np.ndarray | None:
        """[H, W, 3] uint8 RGB → [68, 2] float32 pixels of the largest face, or None."""
        boxes = self._boxes(image)
        return self._landmarks(image, boxes[0]) if boxes else None

    def faces(self, image: np.ndarray) -> list[np.ndarray]:
        """[H, W, 3] uint8 RGB → [68, 2] float32 pixels of each face, the largest first."""
        return [self._landmarks(image, box) for box in self._boxes(image)]

    def _boxes(self, image: np.ndarray) -> list[Any]:
        return sorted(self._find(image, self._upsample), key=lambda box: (-box.area(), box.left(), box.top()))

    def _landmarks(self, image: np.ndarray, box: Any) -> np.ndarray:
        return np.array([(point.x, point.y) for point in self._predict(image, box).parts()], dtype=np.float32)


def _dlib() -> Any:
    try:
        return import_module("dlib")
    except ImportError as error:
        raise UserError(f"detector dlib can't import dlib ({error})", INSTALL) from error


def _installed_model() -> Path:
    """The model of `face_recognition_models`, by its path: importing that package fails on new setuptools."""
    try:
        package = distribution(MODEL_PACKAGE)
    except PackageNotFoundError as error:
        raise UserError("detector dlib has no model file", _advice()) from error
    return Path(str(package.locate_file(f"{MODEL_PACKAGE}/models/{MODEL}")))


def _advice() -> str:
    return (
        f"{INSTALL} brings {MODEL} (100 MB); or unpack http://dlib.net/files/{MODEL}.bz2 anywhere "
        "and name it with --set model=FILE"
    )
