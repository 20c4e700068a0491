"""What flows through a step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ssltoolbox.api import Batch, Clip, Rows, StepOutput


def batch(draws: int = 3, hard: int = 2) -> Batch:
    roles = 2 * (1 + hard)
    frames = (
        torch.arange(draws * roles, dtype=torch.uint8).view(draws, roles, 1, 1, 1).expand(-1, -1, 3, 4, 4)
    )
    ids = torch.arange(draws)
    return Batch(
        frames=frames,
        landmarks=torch.zeros(draws, roles, 68, 2),
        draw=ids,
        clip=ids[:, None].expand(draws, roles),
        identity=ids[:, None].expand(draws, roles),
        time=torch.zeros(draws, roles, dtype=torch.float64),
        labels={"expression": torch.zeros(draws, roles)},
        counts={"refused": 2},
        notes=("clip-1: unreadable",),
    )


def rows(first: int, count: int, **labels: torch.Tensor) -> Rows:
    ids = torch.arange(first, first + count)
    return Rows(ids, ids, ids, ids.double(), torch.zeros(count, 0), labels)


def test_frames_are_sources_then_positives() -> None:
    for hard in (0, 1, 2):
        drawn = batch(hard=hard)
        assert (len(drawn), drawn.hard_negatives) == (3, hard)
        roles = torch.cat([drawn.sources, drawn.positives], dim=1)
        assert torch.equal(roles, drawn.frames)
        assert drawn.sources.shape == drawn.positives.shape == (3, 1 + hard, 3, 4, 4)


def test_joined_rows_have_weights_if_both_have() -> None:
    left, right = (replace(rows(first, 2), weight=torch.tensor([1.0, 1.0 + first])) for first in (0, 2))
    assert (left + right)[1:].weight.tolist() == [1.0, 1.0, 3.0]
    assert (left + rows(2, 2)).weight is None


def test_joined_rows_have_sides_if_both_have() -> None:
    left, right = (replace(rows(first, 2), side=torch.tensor([0, 1])) for first in (0, 2))
    assert (left + right)[1:].side.tolist() == [1, 0, 1]
    assert (left + rows(2, 2)).side is None


def test_moving_a_batch_moves_every_tensor_and_keeps_the_rest() -> None:
    moved = batch().to("meta")
    assert moved.frames.device.type == moved.labels["expression"].device.type == "meta"
    assert (moved.counts, moved.notes) == ({"refused": 2}, ("clip-1: unreadable",))


def test_rows_are_taken_and_joined_with_the_labels_that_both_have() -> None:
    left = rows(0, 3, expression=torch.tensor([5, 6, 7]), valence=torch.zeros(3))
    right = rows(3, 2, expression=torch.tensor([8, 9]))
    joined = left + right
    assert joined.draw.tolist() == [0, 1, 2, 3, 4]
    assert {name: values.tolist() for name, values in joined.labels.items()} == {
        "expression": [5, 6, 7, 8, 9]
    }
    taken = joined[torch.tensor([4, 0])]
    assert (len(taken), taken.draw.tolist(), taken.labels["expression"].tolist()) == (2, [4, 0], [9, 5])
    assert joined[1:3].time.tolist() == [1.0, 2.0]


def test_descriptors_follow_their_rows() -> None:
    described = {"mask_fn": torch.eye(2), "mask_fn#2": torch.ones(2, 1)}
    both = replace(rows(0, 2), descriptors=described) + replace(
        rows(2, 2), descriptors=described | {"other": None}
    )
    assert list(both.descriptors) == ["mask_fn", "mask_fn#2"]
    assert both[1:3].descriptors["mask_fn"].tolist() == [[0, 1], [1, 0]]
    assert both[1:3].to("meta").descriptors["mask_fn#2"].device.type == "meta"


def test_the_descriptor_of_rows_is_those_of_all_maskers_side_by_side() -> None:
    """As in API 1, where rows had one; a masker is given rows with its own alone."""
    one, two = torch.rand(2, 3), torch.rand(2, 1)
    given = replace(rows(0, 2), descriptors={"one": one, "two": two})
    assert torch.equal(given.descriptor, torch.cat([one, two], dim=1))
    assert torch.equal(replace(given, descriptors={"two": two}).descriptor, two)
    assert replace(given, descriptors={}).descriptor.shape == (2, 0)


def test_rows_and_outputs_are_made_as_in_api_1() -> None:
    ids, described, loss = torch.arange(2), torch.rand(2, 3), torch.tensor(1.0)
    assert Rows(ids, ids, ids, ids, descriptor=described).descriptor.equal(described)
    assert replace(rows(0, 2), descriptor=described).descriptor.equal(described)
    output = StepOutput(loss, parts={"one": 1.0})
    assert output.terms == output.parts == {"one": 1.0}
    assert replace(StepOutput(loss, {"two": 2.0}), embeddings=described).parts == {"two": 2.0}


def test_the_interval_of_a_clip_is_the_median() -> None:
    assert Clip(0, 0, np.array([0.0, 0.25, 0.5, 5.0])).interval == 0.25
    assert Clip(0, 0, np.array([1.0])).interval == 0.0


def test_landmarks_are_loaded_once_and_only_when_asked_for() -> None:
    loads: list[int] = []

    def load() -> np.ndarray:
        loads.append(1)
        return np.zeros((2, 68, 2))

    clip = Clip(0, 0, np.array([0.0, 1.0]), load_landmarks=load)
    assert loads == []
    assert clip.landmarks is clip.landmarks is not None
    assert loads == [1]
    assert Clip(0, 0, np.array([0.0])).landmarks is None
