"""MediaPipe's points as the 68 of iBUG, and what a user is told. The library itself is not needed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import ssltoolbox_mediapipe
from ssltoolbox_mediapipe import MediaPipeOptions
from ssltoolbox_mediapipe.detector import MODEL_ADVICE, MediaPipeDetector
from ssltoolbox_mediapipe.mapping import IBUG_68, to_ibug

from ssltoolbox.api import MultiFaceDetector, UserError
from ssltoolbox.testing import check_plugin

IMAGE = np.zeros((100, 200, 3), dtype=np.uint8)


def mesh(scale: float) -> np.ndarray:
    """[478, 2] fractions: point i is at (i, 478 - i) thousandths, scaled."""
    numbers = np.arange(478)
    return np.stack([numbers, 478 - numbers], axis=1) * scale / 1000


class FakeLandmarker:
    """Finds the meshes that a test sets, and keeps the settings that it was made with."""

    meshes: tuple[np.ndarray, ...] = ()

    def __init__(self, settings: SimpleNamespace) -> None:
        if "broken" in settings.base_options.model_asset_path:
            raise RuntimeError("Unable to open zip archive.")
        self.settings = settings

    def detect(self, image: SimpleNamespace) -> SimpleNamespace:
        assert image.data.flags["C_CONTIGUOUS"]
        faces = [[SimpleNamespace(x=x, y=y, z=0.0) for x, y in mesh] for mesh in self.meshes]
        return SimpleNamespace(face_landmarks=faces)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> type[FakeLandmarker]:
    """A stand-in for MediaPipe 1.x, as far as the detector uses it."""

    class Landmarker(FakeLandmarker):
        create_from_options = classmethod(lambda cls, settings: cls(settings))

    package, tasks = ModuleType("mediapipe"), ModuleType("mediapipe.tasks.python")
    package.Image = SimpleNamespace
    package.ImageFormat = SimpleNamespace(SRGB="srgb")
    tasks.BaseOptions = SimpleNamespace
    tasks.vision = SimpleNamespace(FaceLandmarkerOptions=SimpleNamespace, FaceLandmarker=Landmarker)
    monkeypatch.setitem(sys.modules, "mediapipe", package)
    monkeypatch.setitem(sys.modules, "mediapipe.tasks.python", tasks)
    return Landmarker


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "face_landmarker.task"
    path.touch()
    return path


def test_every_point_stands_for_another_one_of_the_mesh() -> None:
    assert IBUG_68.shape == (68,)
    assert len(set(IBUG_68.tolist())) == 68
    assert IBUG_68.max() < 478


def test_points_are_pixels_whose_centres_are_whole_numbers() -> None:
    points = to_ibug(mesh(1), 200, 100)
    assert points.dtype == np.float32
    assert points[0].tolist() == pytest.approx([0.127 * 200 - 0.5, 0.351 * 100 - 0.5])
    assert points[-1].tolist() == pytest.approx([0.087 * 200 - 0.5, 0.391 * 100 - 0.5])


def test_the_largest_face_comes_first(library: type[FakeLandmarker], model: Path) -> None:
    library.meshes = (mesh(0.5), mesh(1.0), mesh(0.25))
    detector = MediaPipeDetector(MediaPipeOptions(model=model))
    faces = detector.faces(IMAGE[:, ::-1])
    expected = [to_ibug(mesh(scale), 200, 100) for scale in (1.0, 0.5, 0.25)]
    np.testing.assert_array_equal(np.stack(faces), np.stack(expected))
    found = detector.detect(IMAGE)
    assert found is not None
    np.testing.assert_array_equal(found, expected[0])
    assert isinstance(detector, MultiFaceDetector)


def test_the_contract(library: type[FakeLandmarker], model: Path) -> None:
    library.meshes = (mesh(0.5), mesh(1.0))
    check_plugin(ssltoolbox_mediapipe, options={"mediapipe": {"model": model}})


def test_an_image_without_a_face(library: type[FakeLandmarker], model: Path) -> None:
    detector = MediaPipeDetector(MediaPipeOptions(model=model))
    assert detector.faces(IMAGE) == []
    assert detector.detect(IMAGE) is None


def test_options_reach_the_library(library: type[FakeLandmarker], model: Path) -> None:
    detector = MediaPipeDetector(MediaPipeOptions(model=model, faces=2, confidence=0.75))
    settings = detector._landmarker.settings
    assert settings.base_options.model_asset_path == str(model)
    assert (settings.num_faces, settings.min_face_detection_confidence) == (2, 0.75)


def refusal(options: MediaPipeOptions) -> str:
    with pytest.raises(UserError) as caught:
        MediaPipeDetector(options)
    return str(caught.value)


def test_without_a_model_the_error_has_path_and_advice(tmp_path: Path, library: type[FakeLandmarker]) -> None:
    assert MODEL_ADVICE in refusal(MediaPipeOptions())
    missing = tmp_path / "none.task"
    text = refusal(MediaPipeOptions(model=missing))
    assert str(missing) in text
    assert MODEL_ADVICE in text


def test_a_file_that_is_no_model(tmp_path: Path, library: type[FakeLandmarker]) -> None:
    broken = tmp_path / "broken.task"
    broken.write_bytes(b"not a model")
    text = refusal(MediaPipeOptions(model=broken))
    assert f"{broken} is no FaceLandmarker model" in text
    assert MODEL_ADVICE in text


def test_without_mediapipe_the_error_names_the_extra_to_install(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    assert "pip install 'ssltoolbox[mediapipe]'" in refusal(MediaPipeOptions(model=model))


def test_the_card_states_the_licence() -> None:
    (card,) = ssltoolbox_mediapipe.ssltoolbox_landmark_detectors()
    assert (card.name, card.options) == ("mediapipe", MediaPipeOptions)
    assert card.notice is not None
    assert "Apache-2.0" in card.notice
