"""Frames are chosen by their times, upright, and shots are told apart."""

from __future__ import annotations

import os
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.stream import VideoStream
from helpers.golden import Golden
from helpers.videos import TICKS, scene, write_stream, write_video
from hypothesis import given, settings
from hypothesis import strategies as st

from ssltoolbox.data.extract.colours import colour_histogram
from ssltoolbox.data.extract.reading import Sample, UnreadableVideo, VideoReader

NO_CUTS = 1.0


def grey(value: int) -> np.ndarray:
    return np.full((8, 12, 3), value, dtype=np.uint8)


def samples(path: Path, fps: Fraction | int | str, cut: float = NO_CUTS) -> list[Sample]:
    return list(VideoReader(path, Fraction(fps), cut))


def values(chosen: list[Sample]) -> list[int]:
    return [int(sample.image[0, 0, 0]) for sample in chosen]


def test_every_sixth_frame_of_25(tmp_path: Path) -> None:
    chosen = samples(write_video(tmp_path / "a.mov", [grey(number) for number in range(32)]), "25/6")
    assert values(chosen) == [0, 6, 12, 18, 24, 30]
    assert [sample.number for sample in chosen] == [0, 1, 2, 3, 4, 5]


def test_all_frames_at_the_videos_own_rate(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mov", [grey(number) for number in range(20)], fps=30000 / 1001)
    assert values(samples(path, "30000/1001")) == list(range(20))


def test_frames_of_a_variable_rate_are_chosen_by_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mov", list(map(grey, range(5))), times=[5, 5.1, 5.35, 5.38, 5.9])
    chosen = samples(path, 5)
    assert [sample.number for sample in chosen] == [0, 1, 2, 5]
    assert values(chosen) == [0, 1, 3, 4]


def test_a_slow_video_leaves_numbers_out(tmp_path: Path) -> None:
    chosen = samples(write_video(tmp_path / "a.mov", list(map(grey, range(4))), fps=5), 10)
    assert [sample.number for sample in chosen] == [0, 2, 4, 6]


def test_the_number_of_samples_is_known_from_the_start(tmp_path: Path) -> None:
    reader = VideoReader(
        write_video(tmp_path / "a.mov", [grey(number) for number in range(50)]), Fraction(5), 1
    )
    assert reader.expected == 0
    next(iter(reader))
    assert reader.expected == pytest.approx(len(list(reader)), abs=1)


def test_no_more_samples_are_expected_than_frames(tmp_path: Path) -> None:
    reader = VideoReader(write_video(tmp_path / "a.mov", [grey(0)] * 6, fps=2), Fraction(25), 1)
    next(iter(reader))
    assert reader.expected == 6


@settings(max_examples=25)
@given(
    ticks=st.lists(st.integers(1, 400), min_size=1, max_size=12),
    fps=st.sampled_from([Fraction(25, 6), Fraction(1), Fraction(10), Fraction(30)]),
)
def test_the_nearest_frame_is_chosen(
    tmp_path_factory: pytest.TempPathFactory, ticks: list[int], fps: Fraction
) -> None:
    times = np.cumsum([0, *ticks])
    path = tmp_path_factory.mktemp("video") / "a.mov"
    write_video(path, list(map(grey, range(len(times)))), times=times / TICKS)
    chosen = samples(path, fps)
    positions = [Fraction(int(time), TICKS) * fps for time in times]
    numbers = [sample.number for sample in chosen]
    assert numbers == sorted(set(numbers))
    for number, value in zip(numbers, values(chosen), strict=True):
        distances = [abs(position - number) for position in positions]
        assert distances[value] == min(distances) <= Fraction(1, 2)
    near = {round(position) for position in positions if abs(position - round(position)) < Fraction(1, 2)}
    assert near <= set(numbers)


@pytest.mark.skipif(not hasattr(VideoStream, "set_display_rotation"), reason="this PyAV can't write it")
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_metadata_turn_the_picture(tmp_path: Path, quarters: int) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (8, 12, 3), dtype=np.uint8)
    path = write_video(tmp_path / "a.mov", [picture] * 2, rotation=90 * quarters)
    image = samples(path, 25)[0].image
    np.testing.assert_array_equal(image, np.rot90(picture, quarters))
    assert image.flags["C_CONTIGUOUS"]


def test_pixels_become_square(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mov", [grey(7)] * 2, aspect=2)
    assert samples(path, 25)[0].image.shape == (8, 24, 3)


def test_a_cut_starts_a_new_shot(tmp_path: Path) -> None:
    """A cut between two samples ends a shot, though a face may stand where one stood before."""
    one, other = scene((10, 10, 40)), scene((12, 10, 40), colour=(200, 200, 90))
    path = write_video(tmp_path / "a.mov", [one] * 13 + [other] * 12 + [one] * 6)
    chosen = samples(path, "25/6", cut=0.35)
    assert [(sample.shot, sample.number) for sample in chosen] == [
        (0, 0), (0, 1), (0, 2), (1, 2), (1, 3), (1, 4), (2, 4), (2, 5)
    ]  # fmt: skip
    assert {sample.shot for sample in samples(path, "25/6", cut=NO_CUTS)} == {0}


def test_a_moving_face_is_no_cut(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mov", [scene((3 * step, 10, 50)) for step in range(25)])
    assert {sample.shot for sample in samples(path, 25, cut=0.1)} == {0}


def test_colours_are_counted() -> None:
    image = np.zeros((2, 4, 3), dtype=np.uint8)
    image[:, 3] = (255, 0, 31)
    histogram = colour_histogram(image)
    assert histogram[0] == 0.75
    assert histogram[7 * 64] == 0.25
    assert histogram.sum() == 1


def damaged(path: Path, frames: int) -> Path:
    """A video of that many frames, the middle one spoilt."""
    rng = np.random.default_rng(0)
    write_video(path, [rng.integers(0, 255, (32, 32, 3), dtype=np.uint8) for _ in range(frames)])
    content = bytearray(path.read_bytes())
    images = [at for at in range(len(content)) if content.startswith(b"\x89PNG", at)]
    middle = images[len(images) // 2]
    content[middle : middle + 60] = bytes(60)
    path.write_bytes(content)
    return path


def test_damaged_frames_are_left_out_and_counted(tmp_path: Path) -> None:
    reader = VideoReader(damaged(tmp_path / "a.mov", 9), Fraction(25), NO_CUTS)
    assert [sample.number for sample in reader] == [0, 1, 2, 3, 5, 6, 7, 8]
    assert reader.damaged == 1


def test_metadata_that_are_not_utf8_do_no_harm(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mov", [grey(7)] * 2, title="Caf-")
    path.write_bytes(path.read_bytes().replace(b"Caf-", b"Caf\xe9"))
    assert values(samples(path, 25)) == [7, 7]


class TestTimeStampsThatStartAnew:
    def test_the_video_goes_on_behind_them(self, tmp_path: Path) -> None:
        one, other = [scene((20, 20, 40))] * 60, [scene((60, 20, 40))] * 50
        reader = VideoReader(write_stream(tmp_path / "a.ts", one, other), Fraction(25), NO_CUTS)
        chosen = list(reader)
        assert reader.damaged == 0
        assert [sample.number for sample in chosen] == list(range(110))

    def test_a_new_shot_begins_there(self, tmp_path: Path) -> None:
        path = write_stream(tmp_path / "a.ts", *[[scene((20, 20, 40))] * 30] * 3)
        shots = [sample.shot for sample in samples(path, 25)]
        assert shots == [0] * 30 + [1] * 30 + [2] * 30

    def test_a_gap_ends_a_shot_but_keeps_its_time(self, tmp_path: Path) -> None:
        path = write_video(tmp_path / "a.mov", list(map(grey, range(4))), times=[0, 1, 21, 22])
        assert [(sample.shot, sample.number) for sample in samples(path, 1)] == [
            (0, 0),
            (0, 1),
            (1, 21),
            (1, 22),
        ]


def test_a_video_whose_name_is_not_utf8_is_skipped_with_a_reason(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mov", [grey(7)] * 2)
    assert "not UTF-8" in reason(path.rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9.mov")))


def test_any_other_failure_is_of_this_video_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    path = write_video(tmp_path / "a.mov", [grey(7)] * 2)
    monkeypatch.setattr("ssltoolbox.data.extract.reading._upright", fail)
    assert reason(path) == "MemoryError"


def reason(path: Path) -> str:
    with pytest.raises(UnreadableVideo) as caught:
        samples(path, 25)
    return str(caught.value)


def test_what_is_no_video(tmp_path: Path, golden: Golden) -> None:
    text = tmp_path / "a.mp4"
    text.write_bytes(b"no video at all")
    golden(reason(text))
    text.write_bytes(b"")
    golden(reason(text))
    assert reason(tmp_path / "none.mp4") == "No such file or directory"
    golden(reason(damaged(tmp_path / "b.mov", 1)))
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(1600))
    golden(reason(tmp_path / "a.wav"))
