"""Errors, licence and options of the detector. The detector on real faces is in test_real_faces.py."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import ssltoolbox_dlib
from pydantic import ValidationError
from ssltoolbox_dlib import DlibOptions, detector
from ssltoolbox_dlib.detector import DlibDetector

from ssltoolbox.api import MultiFaceDetector, UserError
from ssltoolbox.testing import check_plugin

MODEL = "shape_predictor_68_face_landmarks.dat"
ADVICE = f"http://dlib.net/files/{MODEL}.bz2"
"""Where a model is; each message without one says it."""
IMAGE = np.zeros((40, 60, 3), dtype=np.uint8)


class Box(SimpleNamespace):
    """As dlib's rectangle: 10 × 10 pixels for each unit of `scale`, its left side at x."""

    def area(self) -> int:
        return 100 * self.scale**2

    def left(self) -> int:
        return self.x

    def top(self) -> int:
        return 0


class FakePredictor:
    def __init__(self, path: str) -> None:
        if "broken" in path:
            raise RuntimeError("Unable to open the file")

    def __call__(self, image: np.ndarray, box: Box) -> SimpleNamespace:
        points = [SimpleNamespace(x=box.x + i, y=i) for i in range(68)]
        return SimpleNamespace(parts=lambda: points)


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> list[Box]:
    """What a stand-in for dlib finds."""
    found: list[Box] = []
    library = ModuleType("dlib")
    library.get_frontal_face_detector = lambda: lambda image, upsample: found
    library.shape_predictor = FakePredictor
    monkeypatch.setitem(sys.modules, "dlib", library)
    return found


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / MODEL
    path.touch()
    return path


def test_the_largest_face_comes_first_and_of_equals_the_left_one(boxes: list[Box], model: Path) -> None:
    boxes += [Box(x=30, scale=1), Box(x=20, scale=2), Box(x=10, scale=1)]
    made = DlibDetector(DlibOptions(model=model))
    faces = np.stack(made.faces(IMAGE))
    assert faces.dtype == np.float32
    assert faces[:, 0, 0].tolist() == [20, 10, 30]
    assert faces[0, 67].tolist() == [87, 67]
    found = made.detect(IMAGE)
    assert found is not None
    assert found.tolist() == faces[0].tolist()
    assert isinstance(made, MultiFaceDetector)


def test_the_contract(boxes: list[Box], model: Path) -> None:
    boxes += [Box(x=30, scale=1), Box(x=20, scale=2)]
    check_plugin(ssltoolbox_dlib, options={"dlib": {"model": model}})


def test_an_image_without_a_face(boxes: list[Box], model: Path) -> None:
    made = DlibDetector(DlibOptions(model=model))
    assert made.detect(IMAGE) is None
    assert made.faces(IMAGE) == []


def refusal(options: DlibOptions) -> str:
    with pytest.raises(UserError) as caught:
        DlibDetector(options)
    return str(caught.value)


def test_without_dlib_the_error_names_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    assert "pip install 'ssltoolbox[dlib]'" in refusal(DlibOptions())


def test_without_a_model_the_error_has_path_and_advice(
    boxes: list[Box], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "none.dat"
    text = refusal(DlibOptions(model=missing))
    assert str(missing) in text
    assert ADVICE in text

    def no_package(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(detector, "distribution", no_package)
    assert ADVICE in refusal(DlibOptions())


def test_a_file_that_is_no_model(boxes: list[Box], tmp_path: Path) -> None:
    broken = tmp_path / "broken.dat"
    broken.write_bytes(b"not a model")
    text = refusal(DlibOptions(model=broken))
    assert str(broken) in text
    assert ADVICE in text


def test_options_of_dlib_have_defaults_and_bounds() -> None:
    assert DlibOptions().model_dump() == {"model": None, "upsample": 0}
    with pytest.raises(ValidationError):
        DlibOptions(upsample=5)


def test_the_card_states_the_licence() -> None:
    (card,) = ssltoolbox_dlib.ssltoolbox_landmark_detectors()
    assert (card.name, card.options) == ("dlib", DlibOptions)
    assert card.notice is not None
    assert {"dlib's", "300-W,", "commercial"} <= set(card.notice.split())
