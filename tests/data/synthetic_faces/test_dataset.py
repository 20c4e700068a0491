"""The dataset: what it promises, and that a frame depends on nothing but its place."""

from __future__ import annotations

import pickle
import time

import numpy as np
import pytest
import torch
from helpers.golden import Golden
from hypothesis import given, settings
from hypothesis import strategies as st

from ssltoolbox.api import EXPRESSIONS, Dataset, Frames
from ssltoolbox.data.synthetic_faces.dataset import SyntheticFaces, _cached_clip
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

OPTIONS = SyntheticFacesOptions(
    world=7, identities=5, clips=12, frames=30, size=33, eval_identities=3, eval_clips=4
)
PLACES = [(clip, frame) for clip in (0, 3, 5, 11) for frame in (0, 1, 14, 29)]


def read(dataset: SyntheticFaces, places: list[tuple[int, int]]) -> Frames:
    return dataset.read([clip for clip, _ in places], [frame for _, frame in places])


@pytest.fixture(scope="module")
def alone() -> dict[tuple[int, int], Frames]:
    """Every place of PLACES, read by itself."""
    dataset = SyntheticFaces(OPTIONS, "train")
    return {place: read(dataset, [place]) for place in PLACES}


def assert_same(frames: Frames, position: int, expected: Frames) -> None:
    assert torch.equal(frames.images[position], expected.images[0])
    assert torch.equal(frames.landmarks[position], expected.landmarks[0])
    for name, values in frames.labels.items():
        assert torch.equal(values[position], expected.labels[name][0])


def test_synthetic_faces_is_a_dataset() -> None:
    assert isinstance(SyntheticFaces(OPTIONS, "train"), Dataset)


def test_frames_have_the_shapes_and_types_of_the_contract() -> None:
    frames = read(SyntheticFaces(OPTIONS, "train"), PLACES)
    assert (frames.images.shape, frames.images.dtype) == ((16, 3, 33, 33), torch.uint8)
    assert (frames.landmarks.shape, frames.landmarks.dtype) == ((16, 68, 2), torch.float32)
    assert {name: values.dtype for name, values in frames.labels.items()} == {
        "expression": torch.int64,
        "valence": torch.float32,
        "arousal": torch.float32,
    }
    assert frames.images.is_contiguous()
    assert not frames.unreadable


def test_no_places_give_no_frames() -> None:
    frames = SyntheticFaces(OPTIONS, "train").read([], [])
    assert frames.images.shape == (0, 3, 33, 33)
    assert frames.landmarks.shape == (0, 68, 2)
    assert [len(values) for values in frames.labels.values()] == [0, 0, 0]


@settings(max_examples=25, deadline=None)
@given(places=st.lists(st.sampled_from(PLACES), min_size=1, max_size=90))
def test_a_frame_does_not_depend_on_the_batch(
    alone: dict[tuple[int, int], Frames], places: list[tuple[int, int]]
) -> None:
    frames = read(SyntheticFaces(OPTIONS, "train"), places)
    for position, place in enumerate(places):
        assert_same(frames, position, alone[place])


@pytest.mark.parametrize("size", [24, 48, 112])
def test_nobody_s_features_are_cut_by_how_far_they_reach_in_others(size: int) -> None:
    """Windows are as large as the batch needs: alone and among 60 people, a face must be the same."""
    options = SyntheticFacesOptions(world=3, identities=60, clips=60, frames=40, size=size)
    dataset, rng = SyntheticFaces(options, "train"), np.random.default_rng(size)
    places = [(clip, int(rng.integers(40))) for clip in range(60)]
    together = read(dataset, places)
    for position, place in enumerate(places):
        assert_same(together, position, read(dataset, [place]))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_frame_does_not_depend_on_threads(alone: dict[tuple[int, int], Frames], threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        frames = read(SyntheticFaces(OPTIONS, "train"), PLACES * 8)
    finally:
        torch.set_num_threads(before)
    for position, place in enumerate(PLACES * 8):
        assert_same(frames, position, alone[place])


@pytest.mark.parametrize(
    "change",
    [{"clips": 60}, {"frames": 131}, {"eval_identities": 1, "eval_clips": 9}, {"clips": 12, "frames": 30}],
)
def test_a_frame_does_not_depend_on_how_much_else_there_is(
    alone: dict[tuple[int, int], Frames], change: dict[str, int]
) -> None:
    _cached_clip.cache_clear()
    frames = read(SyntheticFaces(OPTIONS.model_copy(update=change), "train"), PLACES)
    for position, place in enumerate(PLACES):
        assert_same(frames, position, alone[place])


def test_a_person_does_not_depend_on_how_many_others_there_are() -> None:
    more = SyntheticFaces(OPTIONS.model_copy(update={"identities": 9, "clips": 30}), "train")
    few = SyntheticFaces(OPTIONS, "train")
    assert (few.clip(7).identity, more.clip(11).identity) == (6, 6)
    assert_same(few.read([7], [4]), 0, more.read([11], [4]))


def test_pictures_of_another_size_show_the_same() -> None:
    small = read(SyntheticFaces(OPTIONS, "train"), PLACES)
    large = read(SyntheticFaces(OPTIONS.model_copy(update={"size": 99}), "train"), PLACES)
    torch.testing.assert_close((small.landmarks + 0.5) * 3, large.landmarks + 0.5, atol=1e-3, rtol=0)
    shrunk = torch.nn.functional.avg_pool2d(large.images.float(), 3)
    assert (shrunk - small.images.float()).abs().mean() < 6
    assert torch.equal(small.labels["expression"], large.labels["expression"])


def test_another_world_is_another() -> None:
    here = read(SyntheticFaces(OPTIONS, "train"), PLACES)
    there = read(SyntheticFaces(OPTIONS.model_copy(update={"world": 8}), "train"), PLACES)
    assert (here.images.float() - there.images.float()).abs().mean(dim=(1, 2, 3)).min() > 5


def test_splits_share_nobody() -> None:
    people = {}
    for split in ("train", "val", "test"):
        dataset = SyntheticFaces(OPTIONS, split)
        people[split] = {dataset.clip(index).identity for index in range(len(dataset))}
    assert [len(people[split]) for split in ("train", "val", "test")] == [5, 3, 3]
    assert len(people["train"] | people["val"] | people["test"]) == 11


def test_splits_look_different() -> None:
    first = [SyntheticFaces(OPTIONS, split).read([0], [0]).images for split in ("train", "val", "test")]
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[1], first[2])


def test_clips_are_spread_evenly() -> None:
    dataset = SyntheticFaces(OPTIONS, "train")
    counts = np.bincount([dataset.clip(index).identity for index in range(len(dataset))])
    assert counts[counts > 0].tolist() == [3, 3, 2, 2, 2]


def test_clips_of_one_person_differ_but_for_the_person() -> None:
    dataset = SyntheticFaces(OPTIONS, "train")
    first, second = dataset._records(0), dataset._records(5)
    assert first.person == second.person
    assert first.scene != second.scene
    assert not np.array_equal(first.moment["units"], second.moment["units"])


def test_the_facts_are_true() -> None:
    facts = OPTIONS.facts()
    dataset = SyntheticFaces(OPTIONS, "train")
    clips = [dataset.clip(index) for index in range(len(dataset))]
    frames = dataset.read([0], [0])
    assert facts.clips == len(clips)
    assert facts.identities == len({clip.identity for clip in clips})
    assert facts.frames == sum(len(clip) for clip in clips)
    assert (facts.shortest, facts.longest) == (min(map(len, clips)), max(map(len, clips)))
    assert facts.size == dataset.size == frames.images.shape[-1]
    assert facts.labels == set(frames.labels)
    assert facts.landmarks
    assert bool(frames.landmarks.isfinite().all())
    assert np.diff(clips[0].times) == pytest.approx(1 / facts.fps)


def test_a_clip_knows_its_landmarks_times_and_name() -> None:
    dataset = SyntheticFaces(OPTIONS, "val")
    clip = dataset.clip(3)
    assert (clip.index, clip.identity, clip.name) == (3, 1, "val clip 3 (person 1, take 1)")
    assert clip.times[[0, 25]].tolist() == pytest.approx([0, 6])
    assert clip.landmarks is not None
    drawn = dataset.read([3] * len(clip), range(len(clip))).landmarks.numpy()
    assert np.array_equal(clip.landmarks, drawn)


@pytest.mark.parametrize(
    ("clip", "frame"),
    [
        (12, 0),
        (-1, 0),
        (0, 30),
        (0, -1),
    ],
)
def test_a_place_that_is_not_there(clip: int, frame: int, golden: Golden) -> None:
    with pytest.raises(IndexError) as error:
        SyntheticFaces(OPTIONS, "train").read([clip], [frame])
    golden(str(error.value))


def test_it_travels_light() -> None:
    options = SyntheticFacesOptions(identities=1000, clips=1000)
    start = time.process_time()
    dataset = SyntheticFaces(options, "train")
    clips = [dataset.clip(index) for index in range(len(dataset))]
    assert time.process_time() - start < 1
    assert len(pickle.dumps(dataset)) < 1000
    copy = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(copy.read([999], [5]).images, dataset.read([999], [5]).images)
    assert pickle.loads(pickle.dumps(clips[2])).identity == clips[2].identity


def test_global_generators_are_left_alone() -> None:
    _cached_clip.cache_clear()
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1]
    dataset = SyntheticFaces(OPTIONS, "train")
    dataset.clip(1).load_landmarks()
    read(dataset, PLACES)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)


def test_labels_are_unbalanced_and_all_there() -> None:
    dataset = SyntheticFaces(SyntheticFacesOptions(identities=60, clips=240), "train")
    moments = np.concatenate([dataset._records(index).moment for index in range(len(dataset))])
    shares = np.bincount(moments["expression"] + 1, minlength=1 + len(EXPRESSIONS)) / len(moments)
    unclear, classes = shares[0], dict(zip(EXPRESSIONS, shares[1:], strict=True))
    assert 0.04 < unclear < 0.15
    assert min(classes.values()) > 0.04
    assert classes["neutral"] > 2 * classes["contempt"]
    assert classes["happy"] > 1.5 * classes["anger"]
    assert np.abs(moments["affect"]).max() <= 1
    mean = {
        name: moments["affect"][moments["expression"] == label].mean(axis=0)
        for label, name in enumerate(EXPRESSIONS)
    }
    assert mean["happy"][0] > 0.4 > -0.3 > mean["sad"][0]
    assert mean["surprise"][1] > 0.4 > -0.15 > mean["sad"][1]


@pytest.mark.parametrize("zoom", [0.5, 1.4, 2.0])
def test_zoom_frames_the_same_face_more_tightly(zoom: float) -> None:
    plain = SyntheticFaces(OPTIONS, "train")
    zoomed = SyntheticFaces(OPTIONS.model_copy(update={"zoom": zoom}), "train")
    wide, tight = (read(dataset, PLACES) for dataset in (plain, zoomed))
    assert torch.equal(wide.labels["expression"], tight.labels["expression"])
    eyes = [
        (f.landmarks[:, 36:42].mean(1) - f.landmarks[:, 42:48].mean(1)).norm(dim=1) for f in (wide, tight)
    ]
    torch.testing.assert_close(eyes[1], zoom * eyes[0], rtol=1e-4, atol=0)
    assert np.array_equal(zoomed.clip(0).landmarks[[0]], read(zoomed, [(0, 0)]).landmarks.numpy())
