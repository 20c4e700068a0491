"""Draws become batches, whoever deals them; unreadable images are replaced, counted and named."""

import pickle
from collections.abc import Sequence

import pytest
import torch
from helpers.data import NumberedFrames
from hypothesis import given
from hypothesis import strategies as st
from ssltoolbox_hard_neg import HardNegOptions
from ssltoolbox_hard_neg.sampler import HardNeg
from ssltoolbox_time_aug import TimeAugOptions
from ssltoolbox_time_aug.generator import TimeAug

from ssltoolbox.api import SslToolboxError
from ssltoolbox.data.drawing.batches import DrawnBatches
from ssltoolbox.data.drawing.draws import Drawer, Strategies
from ssltoolbox.data.drawing.sampler import DrawSampler, Sharing


def batches(broken: Sequence[tuple[int, int]] = (), clips: int = 12) -> DrawnBatches:
    dataset = NumberedFrames([60] * clips, broken=broken)
    strategies = Strategies(
        [("time_aug", TimeAug(TimeAugOptions()))], [("hard_neg", HardNeg(HardNegOptions()))]
    )
    return DrawnBatches(dataset, Drawer(dataset, strategies, seed=0, stride=4))


def test_a_batch_holds_its_draws() -> None:
    made = batches()
    batch = made.__getitems__([(0, 2), (0, 5), (1, 2)])
    draws = [made.drawer.draw(*slot) for slot in [(0, 2), (0, 5), (1, 2)]]
    assert batch.frames.shape == (3, 4, 3, 4, 4)
    assert batch.frames[:, :, 1, 0, 0].tolist() == [list(draw.frames) for draw in draws]
    assert batch.frames[:, :, 0, 0, 0].tolist() == [[draw.clip] * 4 for draw in draws]
    assert batch.draw.tolist() == [2, 5, 14]
    assert batch.clip.tolist() == [[draw.clip] * 4 for draw in draws]
    assert batch.identity.tolist() == [[draw.clip // 2] * 4 for draw in draws]
    torch.testing.assert_close(batch.time, batch.frames[:, :, 1, 0, 0].double() * 0.24)
    assert batch.labels["expression"].shape == (3, 4)
    assert batch.landmarks.shape == (3, 4, 68, 2)
    assert batch.hard_negatives == 1
    assert batch.sources.shape == batch.positives.shape == (3, 2, 3, 4, 4)
    assert batch.counts["frames_read"] == 12


def test_unreadable_images_are_replaced_counted_and_named() -> None:
    plain = batches().__getitems__([(0, slot) for slot in range(4)])
    anchor = int(plain.frames[2, 0, 1, 0, 0])
    place = (int(plain.clip[2, 0]), anchor)
    batch = batches(broken=[place]).__getitems__([(0, slot) for slot in range(4)])
    assert batch.notes == (f"clip-{place[0]}/{place[1]}.jpg: cut short",)
    assert batch.counts["frames_unreadable"] == 1
    assert batch.counts["frames_read"] == 20
    assert int(batch.clip[2, 0]) == place[0]
    assert batch.frames[2, :, 1, 0, 0].tolist() != plain.frames[2, :, 1, 0, 0].tolist()
    others = [0, 1, 3]
    assert torch.equal(batch.frames[others], plain.frames[others])
    assert torch.equal(batch.draw, plain.draw)


def test_a_clip_that_is_all_broken_gives_way_to_another() -> None:
    clip = int(batches().__getitems__([(0, 0)]).clip[0, 0])
    batch = batches(broken=[(clip, frame) for frame in range(60)]).__getitems__([(0, 0)])
    assert int(batch.clip[0, 0]) != clip


def test_data_without_a_readable_image_ends_the_run() -> None:
    broken = [(clip, frame) for clip in range(12) for frame in range(60)]
    with pytest.raises(SslToolboxError, match=r"16 samples.* clip-"):
        batches(broken=broken).__getitems__([(0, 0)])


def test_travels_to_a_worker() -> None:
    made = batches()
    copied = pickle.loads(pickle.dumps(made))
    assert torch.equal(copied.__getitems__([(0, 1)]).frames, made.__getitems__([(0, 1)]).frames)


@given(
    steps=st.integers(1, 4),
    ranks=st.integers(1, 4),
    accumulate=st.integers(1, 3),
    size=st.integers(1, 3),
    step=st.integers(0, 11),
)
def test_ranks_share_a_step_evenly(steps: int, ranks: int, accumulate: int, size: int, step: int) -> None:
    """Together the ranks see what one process sees, micro-batch by micro-batch."""
    draws = ranks * accumulate * size
    alone = Sharing(steps, draws, accumulate)
    whole = []
    for part in range(accumulate):
        dealt = (Sharing(steps, draws, accumulate, ranks, rank) for rank in range(ranks))
        together = [number for sharing in dealt for number in sharing.numbers(step, part)]
        assert together == alone.numbers(step, part)
        whole += together
    first = (step % steps) * draws
    assert whole == [(step // steps, slot) for slot in range(first, first + draws)]


def test_the_sampler_begins_where_the_run_stands() -> None:
    sharing = Sharing(steps_per_epoch=3, draws=4, accumulate=2)
    whole = list(DrawSampler(sharing, steps=7, done=lambda: 0))
    rest = DrawSampler(sharing, steps=7, done=lambda: 5)
    assert len(whole) == 14
    assert list(rest) == whole[10:]
    assert len(rest) == 14
