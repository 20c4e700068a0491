"""The parts of `predict`: shared networks, names of columns, faces over time, places of labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.heads import AFFECT, MOODS, UNITS, run_with_heads
from PIL import ImageDraw

from ssltoolbox.api import HeadOutput
from ssltoolbox.engine.predict import gathered as gathering
from ssltoolbox.engine.predict.curves import picture
from ssltoolbox.engine.predict.gathered import FaceCurve, Gathered
from ssltoolbox.engine.predict.overlay import _free_position, _Overlay, _Track
from ssltoolbox.engine.predict.predictor import Predictor, Shown
from ssltoolbox.engine.predict.sources import FaceBatch, FaceRow
from ssltoolbox.engine.runs.headed import headed_networks


def curve(times: list[float], face: int = 1, source: str = "a.mp4") -> FaceCurve:
    """A face that moves one pixel a frame, whose prediction is its time."""
    made = FaceCurve(source, face)
    for number, time in enumerate(times):
        row = FaceRow(source, face, number, time, box=(float(number), 0.0, 10.0, 10.0))
        made.add(row, np.array([time], np.float32), np.zeros((4, 4, 3), np.uint8))
    return made


def test_heads_of_one_network_run_it_once(tmp_path: Path) -> None:
    networks = headed_networks(run_with_heads(tmp_path))
    assert networks[0].backbone is networks[1].backbone
    passes = 0

    def count(*_: object) -> None:
        nonlocal passes
        passes += 1

    networks[0].backbone.register_forward_hook(count)
    predictor = Predictor(networks, torch.device("cpu"))
    images = torch.randint(255, (3, 3, 32, 32), dtype=torch.uint8)
    found = predictor(images)
    assert passes == 1
    assert found.shape == (3, 5)
    with torch.no_grad():
        alone = networks[1](networks[1].view.plain(images)).numpy()
    np.testing.assert_allclose(found[:, 3:], alone, atol=1e-6)


def test_columns_of_the_same_name_get_the_task_as_a_prefix(tmp_path: Path) -> None:
    places = HeadOutput("frame", "number")
    run = run_with_heads(tmp_path, first=(MOODS,), second=(MOODS, places))
    predictor = Predictor(headed_networks(run), torch.device("cpu"))
    assert predictor.columns[:2] == ("first.mood_calm", "first.mood_glad")
    assert predictor.columns[-2:] == ("second.mood_wild", "second.frame")


def test_a_face_is_interpolated_where_it_was_seen_and_hidden_where_not() -> None:
    track = _Track(curve([0.0, 0.2, 1.0]))

    def at(time: float) -> float | None:
        found = track.at(time, 0.2)
        return None if found is None else float(found[1][0])

    assert at(0.05) == pytest.approx(0.05)
    assert at(0.29) == pytest.approx(0.2)
    assert at(0.5) is None
    assert at(0.95) == pytest.approx(1.0)
    assert at(1.2) is None


def test_labels_of_two_faces_do_not_cover_each_other() -> None:
    box = np.array([40.0, 50.0, 30.0, 30.0])
    first = _free_position(box, 40, 20, (200, 200), [])
    assert first == (40, 30, 80, 50)
    second = _free_position(np.add(box, [5, 0, 0, 0]), 40, 20, (200, 200), [first])
    assert second == (45, 80, 85, 100)
    at_the_top = _free_position(np.array([40.0, 5.0, 30.0, 30.0]), 40, 20, (200, 200), [])
    assert at_the_top[1] == 35


def test_images_of_a_long_track_stay_few_and_even(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_IMAGES", 8)
    kept = sorted(curve([number / 5 for number in range(100)]).images)
    assert len(kept) <= 8
    assert set(np.diff(kept)) == {16}


def gathered(*faces: tuple[str, int]) -> Gathered:
    found = Gathered()
    for source, face in faces:
        images = torch.zeros(1, 3, 4, 4, dtype=torch.uint8)
        found.add(FaceBatch(images, [FaceRow(source, face, 0, 0.0)]), np.zeros((1, 1)))
    return found


def test_faces_beyond_the_most_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_FACES", 2)
    faces = gathered(("a", 1), ("a", 2), ("b", 1), ("b", 1))
    assert [(one.source, one.face) for one in faces.curves] == [("a", 1), ("a", 2)]
    assert faces.left_out == 1


def test_faces_of_several_sources_are_counted_as_those_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = gathered(("a", 1)), gathered(("b", 1), ("b", 2), ("b", 3))
    monkeypatch.setattr(gathering, "MOST_FACES", 2)
    first.take(second)
    assert [(one.source, one.face) for one in first.curves] == [("a", 1), ("b", 1)]
    assert first.left_out == 2


def test_a_label_has_the_number_that_its_curve_has(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(
        ImageDraw.ImageDraw, "multiline_text", lambda draw, place, text, **_: written.append(text)
    )
    outputs = [Shown(AFFECT[0].label, AFFECT[0], AFFECT[0].columns)]
    faces = [curve([0.0, 0.2], face=3), curve([0.0, 0.2], face=11)]
    _Overlay((60, 60, 3), faces, outputs, 0.2).painted(np.zeros((60, 60, 3), np.uint8), 0.1)
    assert [text.splitlines()[0] for text in written] == ["face 3", "face 11"]


def test_the_picture_has_a_panel_for_each_kind_of_label() -> None:
    outputs = [
        Shown("mood", MOODS, MOODS.columns),
        Shown("age", HeadOutput("age", "number"), ("age",)),
        *(Shown(one.label, one, one.columns) for one in AFFECT),
        Shown("aus", UNITS, UNITS.columns),
    ]
    face = FaceCurve("a.mp4", 1)
    for number, time in enumerate([0.0, 0.2, 0.4, 3.0]):
        values = np.array([0.2, 0.3, 0.5, 40.0 + number, 0.1, -0.2, 0.9, 0.1])
        face.add(FaceRow("a.mp4", 1, number, time), values, np.zeros((4, 4, 3), np.uint8))
    axes = picture([face], outputs, others=3).axes
    plots = [one for one in axes if one.get_legend()]
    drawn = [[text.get_text() for text in one.get_legend().get_texts()] for one in plots]  # type: ignore[union-attr]
    assert drawn == [["calm", "glad", "wild"], ["age"], ["au1", "au12"], ["valence", "arousal"]]
    assert [one.get_ylim()[0] < 0 for one in plots] == [True, False, True, True]
    assert np.isnan(plots[0].lines[0].get_ydata()).sum() == 1, "the line is broken"
