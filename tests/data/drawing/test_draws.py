"""Draws: pure, independent of workers and ranks, and patient with clips that have no answer."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from helpers.data import NumberedFrames
from helpers.golden import Golden
from hypothesis import given, settings
from hypothesis import strategies as st
from ssltoolbox_hard_neg import HardNegOptions
from ssltoolbox_hard_neg.sampler import HardNeg
from ssltoolbox_time_aug import TimeAugOptions
from ssltoolbox_time_aug.generator import TimeAug

from ssltoolbox.api import (
    Clip,
    NegativeSampler,
    NegativeSamplerOptions,
    Options,
    Pick,
    PositiveGenerator,
    SslToolboxError,
    UserError,
)
from ssltoolbox.data.drawing.batches import MOST_REDRAWS
from ssltoolbox.data.drawing.draws import Drawer, Strategies

TIME_AUG = ("time_aug", TimeAug(TimeAugOptions()))
HARD_NEG = ("hard_neg", HardNeg(HardNegOptions()))


class NextFrame(PositiveGenerator[Options]):
    """One frame on; no answer at the end."""

    def pick(self, clip: Clip, frame: int, rng: np.random.Generator) -> int | None:
        return frame + 1 if frame + 1 < len(clip) else None


def drawer(
    lengths: Sequence[int],
    generators: Sequence[tuple[str, PositiveGenerator]] = (TIME_AUG,),
    samplers: Sequence[tuple[str, NegativeSampler]] = (HARD_NEG,),
    seed: int = 0,
    stride: int = 4,
) -> Drawer:
    return Drawer(NumberedFrames(lengths), Strategies(generators, samplers), seed, stride)


def test_a_draw_has_anchor_hard_negative_and_their_positives() -> None:
    """[anchor, hard, pos(anchor), pos(hard)], the gap between anchor and hard, positives near their own."""
    for slot in range(50):
        draw = drawer([60] * 50).draw(0, slot)
        anchor, hard, pos_anchor, pos_hard = draw.frames
        assert abs(anchor - hard) >= 12
        assert abs(anchor - pos_anchor) in range(2, 7)
        assert abs(hard - pos_hard) in range(2, 7)


def test_without_strategies_the_positive_is_the_frame_itself() -> None:
    draw = drawer([9] * 5, (), ()).draw(0, 3)
    assert len(draw.frames) == 2
    assert draw.frames[0] == draw.frames[1]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 999), slot=st.integers(0, 19))
def test_a_draw_depends_on_its_place_alone(seed: int, epoch: int, slot: int) -> None:
    """Another worker, which has drawn other things before, gives the same."""
    first = drawer([60] * 20, seed=seed)
    other = drawer([60] * 20, seed=seed)
    for warm_up in range(3):
        other.draw(warm_up, warm_up)
    assert first.draw(epoch, slot) == other.draw(epoch, slot)


def test_epochs_and_seeds_differ() -> None:
    draws = {
        (seed, epoch): tuple(drawer([60] * 20, seed=seed).draw(epoch, slot).frames for slot in range(20))
        for seed in range(2)
        for epoch in range(2)
    }
    assert len(set(draws.values())) == 4


def test_an_epoch_draws_every_clip_once_and_ids_never_repeat() -> None:
    one = drawer([60] * 20)
    draws = [one.draw(epoch, slot) for epoch in range(3) for slot in range(20)]
    assert len({draw.id for draw in draws}) == 60
    for epoch in range(3):
        assert sorted(draw.clip for draw in draws[20 * epoch : 20 * epoch + 20]) == list(range(20))


def test_adding_a_plugin_leaves_the_others_draws_alone() -> None:
    alone = drawer([60] * 20, samplers=())
    together = drawer([60] * 20)
    more = drawer([60] * 20, generators=(TIME_AUG, ("other", PositiveGenerator(Options()))), samplers=())
    for slot in range(20):
        plain = alone.draw(0, slot)
        assert plain.frames == more.draw(0, slot).frames
        assert plain.frames == together.draw(0, slot).frames[0::2]


def test_picks_chain_in_recipe_order() -> None:
    chain = (("next", NextFrame(Options())), ("next#2", NextFrame(Options())))
    for slot in range(20):
        anchor, positive = drawer([9] * 20, chain, ()).draw(0, slot).frames
        assert positive == anchor + 2


def test_anchors_are_uniform() -> None:
    one = drawer([10], (), ())
    counts = Counter(one.draw(epoch, 0).frames[0] for epoch in range(5000))
    expected = 500
    chi_squared = sum((counts[frame] - expected) ** 2 / expected for frame in range(10))
    assert chi_squared < 27.9  # p = .001 at 9 degrees of freedom


def test_another_anchor_of_the_clip_is_tried() -> None:
    """Only the first four and the last four frames of 16 have one 12 frames away."""
    draws = [drawer([16] * 30, ()).draw(0, slot) for slot in range(30)]
    assert all(min(draw.frames[0], 15 - draw.frames[0]) <= 3 for draw in draws)
    assert sum(draw.anchors_refused for draw in draws) > 10
    assert not any(draw.clips_refused for draw in draws)


def test_a_clip_without_an_answer_is_replaced_and_counted() -> None:
    lengths = [5 if clip % 3 == 0 else 60 for clip in range(30)]
    one = drawer(lengths)
    draws = [one.draw(0, slot) for slot in range(30)]
    assert all(lengths[draw.clip] == 60 for draw in draws)
    assert sum(draw.clips_refused for draw in draws) >= 10
    replaced = [draw for draw in draws if draw.clips_refused]
    originals = {draw.clip: draw.frames for draw in draws if not draw.clips_refused}
    assert any(originals.get(draw.clip, draw.frames) != draw.frames for draw in replaced)


def test_again_gives_another_draw_of_the_clip_then_another_clip() -> None:
    one = drawer([60] * 20)
    draws = [one.draw(0, 7, again) for again in range(5)]
    assert len({draw.clip for draw in draws[:4]}) == 1
    assert len({draw.frames for draw in draws}) == 5
    assert draws[4].clip != draws[0].clip
    assert len({draw.id for draw in draws}) == 1


def test_no_clip_has_an_answer(golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        drawer([5, 7, 6]).draw(0, 0)
    golden(str(caught.value))


def test_a_strategy_that_leaves_the_clip_is_named() -> None:
    class Outside(NegativeSampler[NegativeSamplerOptions]):
        def pick(self, clip: Clip, anchor: int, rng: np.random.Generator) -> list[int]:
            return [len(clip)]

    with pytest.raises(SslToolboxError) as caught:
        drawer([9] * 2, (), (("outside", Outside(NegativeSamplerOptions())),)).draw(0, 0)
    assert re.match(r"outside .*\b9 of clip-[01]\b.*\b9 frames", str(caught.value))


def test_global_random_state_is_left_alone() -> None:
    before = np.random.get_state()[1].copy()
    drawer([60] * 4).draw(0, 0)
    assert (np.random.get_state()[1] == before).all()


@pytest.mark.parametrize("stride", [1, 3, 4, 6, 12, 24])
def test_the_one_clip_with_an_answer_is_found_from_every_place(stride: int) -> None:
    lengths = [2] * 11 + [60]  # too short for a hard negative, but for the last
    found = [drawer(lengths, stride=stride).draw(0, slot) for slot in range(12)]
    assert {draw.clip for draw in found} == {11}
    assert sorted(draw.clips_refused for draw in found) == list(range(12))


@pytest.mark.parametrize("clips", [1, 2, 3])
def test_of_few_clips_there_is_a_draw_however_often_images_were_unreadable(clips: int) -> None:
    draws = [drawer([60] * clips).draw(0, 0, again) for again in range(MOST_REDRAWS + 1)]
    assert {draw.clip for draw in draws} == set(range(clips))
    assert all(draw.clips_refused == 0 for draw in draws)
    assert len({draw.frames for draw in draws}) > MOST_REDRAWS / 2


class Elsewhere(PositiveGenerator[Options]):
    """The first frame of the person's next clip, and how far it lies in the list of clips."""

    def pick(self, clip: Clip, frame: int, rng: np.random.Generator) -> Pick:
        own = clip.catalogue.of_identity(clip.identity)
        other = int(own[(list(own).index(clip.index) + 1) % len(own)])
        return Pick(frame=0, clip=other, found={"distance": abs(other - clip.index)})


class Stranger(NegativeSampler[NegativeSamplerOptions]):
    """A frame of another person, who is drawn."""

    def pick(self, clip: Clip, anchor: int, rng: np.random.Generator) -> list[Pick]:
        others = np.flatnonzero(clip.catalogue.identities != clip.identity)
        return [Pick(frame=3, clip=int(rng.choice(others)))]


def test_picks_may_come_from_other_clips() -> None:
    dataset = NumberedFrames([60] * 12)
    strategies = Strategies(
        [("elsewhere", Elsewhere(Options()))], [("stranger", Stranger(NegativeSamplerOptions()))]
    )
    drawer = Drawer(dataset, strategies, seed=0, stride=4)
    for slot in range(12):
        draw = drawer.draw(0, slot)
        anchor, hard, positive, hard_positive = draw.clips
        assert draw.identities == tuple(dataset.clip(clip).identity for clip in draw.clips)
        assert draw.identities[0] == draw.identities[2] != draw.identities[1] == draw.identities[3]
        assert anchor != positive
        assert hard != hard_positive
        assert draw.frames[1:] == (3, 0, 0)
        assert [dict(found) for found in draw.found] == [{}, {}, {"distance": 1}, {"distance": 1}]
        assert draw == Drawer(dataset, strategies, seed=0, stride=4).draw(0, slot)


class AnyClip(PositiveGenerator[Options]):
    """A frame of any clip of the person."""

    def pick(self, clip: Clip, frame: int, rng: np.random.Generator) -> Pick:
        return Pick(
            frame=int(rng.integers(9)), clip=int(rng.choice(clip.catalogue.of_identity(clip.identity)))
        )


def test_adding_a_plugin_leaves_picks_of_other_clips_alone() -> None:
    any_clip, stranger = ("any_clip", AnyClip(Options())), ("stranger", Stranger(NegativeSamplerOptions()))
    lengths = [60] * 20
    positives = drawer(lengths, [any_clip], [])
    negatives = drawer(lengths, [], [stranger])
    both = drawer(lengths, [any_clip], [stranger])
    more = drawer(lengths, [TIME_AUG, any_clip], [HARD_NEG, stranger])
    changed = 0
    for slot in range(20):
        one, other = both.draw(0, slot), more.draw(0, slot)
        # [anchor, hard, positives of both], and [anchor, two hard, positives of all three].
        assert (one.clips[2], one.frames[2]) == (
            positives.draw(0, slot).clips[1],
            positives.draw(0, slot).frames[1],
        )
        assert (one.clips[1], one.frames[1]) == (
            negatives.draw(0, slot).clips[1],
            negatives.draw(0, slot).frames[1],
        )
        assert (other.clips[2], other.frames[2]) == (one.clips[1], one.frames[1])
        assert (other.clips[3], other.frames[3]) == (one.clips[2], one.frames[2])
        changed += one.clips[0] != one.clips[2]
    assert changed > 5


class Millions(NumberedFrames):
    """A million clips of two clips a person, which counts how often a clip is asked for."""

    def __init__(self) -> None:
        super().__init__(range(0))
        self.identities = np.arange(1_000_000) // 2
        self.asked = 0

    def __len__(self) -> int:
        return len(self.identities)

    def clip(self, index: int) -> Clip:
        self.asked += 1
        return Clip(index, int(self.identities[index]), np.arange(60) * 0.24)


def test_picks_ask_for_few_of_a_million_clips() -> None:
    dataset = Millions()
    strategies = Strategies(
        [("any_clip", AnyClip(Options()))], [("stranger", Stranger(NegativeSamplerOptions()))]
    )
    one = Drawer(dataset, strategies, seed=0, stride=4)
    draws = [one.draw(0, slot) for slot in range(10)]
    assert {len(set(draw.clips)) > 1 for draw in draws} == {True}
    assert dataset.asked <= 10 * 8


def test_a_pick_of_a_clip_that_is_not_there() -> None:
    class Beyond(PositiveGenerator[Options]):
        def pick(self, clip: Clip, frame: int, rng: np.random.Generator) -> Pick:
            return Pick(frame=0, clip=99)

    drawer = Drawer(NumberedFrames([60] * 4), Strategies([("beyond", Beyond(Options()))]), seed=0, stride=2)
    with pytest.raises(SslToolboxError, match=r"beyond .*\b99\b"):
        drawer.draw(0, 0)


def test_without_positives_a_draw_has_the_instances_alone() -> None:
    strategies = Strategies(samplers=[("stranger", Stranger(NegativeSamplerOptions()))])
    both = Drawer(NumberedFrames([60] * 12), strategies, seed=0, stride=4)
    alone = Drawer(NumberedFrames([60] * 12), strategies, seed=0, stride=4, with_positives=False)
    for slot in range(4):
        assert alone.draw(0, slot).frames == both.draw(0, slot).frames[:2]


@pytest.mark.parametrize("answer", [[1, 2], 1.5, "3"])
def test_a_pick_that_is_no_frame_is_named(answer: object) -> None:
    class Odd(PositiveGenerator[Options]):
        def pick(self, clip: Clip, frame: int, rng: np.random.Generator) -> int:
            return answer  # type: ignore[return-value]

    with pytest.raises(SslToolboxError, match=r"odd picked .*, not the number of a frame"):
        drawer([9], [("odd", Odd(Options()))], []).draw(0, 0)


@pytest.mark.parametrize("answer", [None, 3])
def test_a_sampler_that_gives_no_list_is_named(answer: object) -> None:
    class Odd(NegativeSampler[NegativeSamplerOptions]):
        def pick(self, clip: Clip, anchor: int, rng: np.random.Generator) -> Sequence[int]:
            return answer  # type: ignore[return-value]

    with pytest.raises(SslToolboxError, match=f"odd picked {answer}, not a list of frames"):
        drawer([9], [], [("odd", Odd(NegativeSamplerOptions()))]).draw(0, 0)
