"""Who is swapped, with whom, and what is counted."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ssltoolbox_face_swap import FaceSwapOptions
from ssltoolbox_face_swap.generator import FaceSwap

from ssltoolbox.api import Batch


def render(batch: Batch, seed: int = 0, **options: Any) -> Batch:
    torch.manual_seed(seed)
    return FaceSwap(FaceSwapOptions(**options)).render(batch)


def changed(before: Batch, after: Batch) -> torch.Tensor:
    """[N, R] bool."""
    return (before.frames != after.frames).flatten(2).any(2)


def plain(batch: Batch) -> Batch:
    """Every frame in one colour of its own: the corner of a swapped frame tells whose head it is."""
    codes = torch.arange(batch.frames.shape[0] * batch.frames.shape[1]).view(batch.frames.shape[:2])
    images = (codes + 60).to(torch.uint8)[..., None, None, None].expand_as(batch.frames).contiguous()
    return replace(batch, frames=images)


def heads(batch: Batch) -> torch.Tensor:
    """[N, R]: the code of the frame that a frame's corner is of."""
    return batch.frames[..., 0, 0, 0].int() - 60


@pytest.mark.parametrize("hard", [0, 1, 2])
def test_all_positives_are_swapped_and_no_anchor(faces: Callable[..., Batch], hard: int) -> None:
    batch = faces(4, hard)
    swapped = render(batch, p=1.0)
    instances = 1 + hard
    assert changed(batch, swapped)[:, instances:].all()
    assert not changed(batch, swapped)[:, :instances].any()
    assert torch.equal(batch.landmarks[:, :instances], swapped.landmarks[:, :instances])
    assert swapped.counts == {
        "frames_read": 8 * instances,
        "faces_swapped": 4 * instances,
        "swaps_skipped": 0,
    }


def test_all_else_of_the_batch_stays(faces: Callable[..., Batch]) -> None:
    batch = faces()
    swapped = render(batch, p=1.0)
    for name in ("draw", "clip", "identity", "time", "labels", "notes"):
        assert getattr(swapped, name) is getattr(batch, name)
    assert swapped.frames.shape == batch.frames.shape
    assert swapped.frames.dtype == torch.uint8


@given(seed=st.integers(0, 2**32 - 1), p=st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_the_input_is_never_changed_and_the_seed_decides(
    faces: Callable[..., Batch], seed: int, p: float
) -> None:
    batch = faces(3)
    frames, landmarks = batch.frames.clone(), batch.landmarks.clone()
    first, second = render(batch, seed, p=p), render(batch, seed, p=p)
    assert torch.equal(batch.frames, frames)
    assert torch.equal(batch.landmarks, landmarks)
    assert batch.counts == {"frames_read": 12}
    assert torch.equal(first.frames, second.frames)
    assert torch.equal(first.landmarks, second.landmarks)


def test_donors_are_sources_of_another_identity_one_for_each_draw(faces: Callable[..., Batch]) -> None:
    batch = plain(faces(10, hard=2))  # persons 0 and 1 have two draws each
    seen = set()
    for seed in range(40):
        swapped = render(batch, seed, p=1.0)
        donors = heads(swapped)[:, 3:]
        assert (donors == donors[:, :1]).all()
        draw, role = donors[:, 0] // 6, donors[:, 0] % 6
        assert (role < 3).all()
        assert (batch.identity[draw, 0] != batch.identity[:, 0]).all()
        seen |= set(zip(range(10), donors[:, 0].tolist(), strict=True))
    possible = sum(3 * int((batch.identity[:, 0] != who).sum()) for who in batch.identity[:, 0])
    assert len(seen) > 0.6 * possible  # 1 - (1 - 1/27)^40 = .78 of them are expected


def test_each_positive_is_swapped_on_its_own_with_probability_p(faces: Callable[..., Batch]) -> None:
    batch = plain(faces(8, hard=1))
    own = heads(batch)
    happened = torch.cat([heads(render(batch, seed, p=0.8)) != own for seed in range(100)])[:, 2:].float()
    assert happened.mean() == pytest.approx(0.8, abs=0.04)  # four standard deviations
    both = (happened[:, 0] * happened[:, 1]).mean()
    assert both == pytest.approx(0.64, abs=0.07)


def test_nothing_happens_at_zero(faces: Callable[..., Batch]) -> None:
    batch = faces()
    still = render(batch, p=0.0)
    assert torch.equal(still.frames, batch.frames)
    assert still.counts["faces_swapped"] == still.counts["swaps_skipped"] == 0


def test_one_draw_has_no_donor(faces: Callable[..., Batch]) -> None:
    batch = faces(1)
    alone = render(batch, p=1.0)
    assert torch.equal(alone.frames, batch.frames)
    assert torch.equal(alone.landmarks, batch.landmarks)
    assert (alone.counts["faces_swapped"], alone.counts["swaps_skipped"]) == (0, 2)


def test_one_identity_has_no_donor(faces: Callable[..., Batch]) -> None:
    batch = faces()
    batch = replace(batch, identity=torch.full_like(batch.identity, 7))
    alone = render(batch, p=1.0)
    assert torch.equal(alone.frames, batch.frames)
    assert (alone.counts["faces_swapped"], alone.counts["swaps_skipped"]) == (0, 12)


def test_frames_without_landmarks_pass_unchanged_and_are_counted(faces: Callable[..., Batch]) -> None:
    batch = faces()
    batch.landmarks[2, 2] = torch.nan
    batch.landmarks[4, 3, 20, 0] = torch.nan
    swapped = render(batch, p=1.0)
    unchanged = ~changed(batch, swapped)[:, 2:]
    assert unchanged.nonzero().tolist() == [[2, 0], [4, 1]]
    assert swapped.landmarks[2, 2].isnan().all()
    assert (swapped.counts["faces_swapped"], swapped.counts["swaps_skipped"]) == (10, 2)


def test_sources_without_landmarks_give_no_heads(faces: Callable[..., Batch]) -> None:
    batch = plain(faces(6, hard=1))
    batch.landmarks[1:, :2] = torch.nan
    swapped = render(batch, p=1.0)
    donors = heads(swapped)[:, 2:]
    assert (donors[1:] // 4 == 0).all()
    assert torch.equal(donors[0], heads(batch)[0, 2:])
    assert swapped.counts["swaps_skipped"] == 2


def test_no_landmarks_at_all(faces: Callable[..., Batch]) -> None:
    batch = faces()
    batch = replace(batch, landmarks=torch.full_like(batch.landmarks, torch.nan))
    assert torch.equal(render(batch, p=1.0).frames, batch.frames)


@pytest.mark.parametrize(
    "points", [torch.zeros(68, 2), torch.full((68, 2), 1e20), torch.full((68, 2), -500.0)]
)
def test_landmarks_that_are_no_face_are_as_none(faces: Callable[..., Batch], points: torch.Tensor) -> None:
    batch = faces(3)
    batch.landmarks[0] = points
    swapped = render(batch, p=1.0)
    assert not changed(batch, swapped)[0].any()
    assert changed(batch, swapped)[1:, 2:].all()


def test_counts_add_up_when_two_are_chained(faces: Callable[..., Batch]) -> None:
    batch = faces()
    twice = render(render(batch, p=1.0), seed=1, p=1.0)
    assert twice.counts["faces_swapped"] == 24
