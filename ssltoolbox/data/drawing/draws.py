"""Which frames of which clips a step sees, as a pure function of (seed, epoch, clip, plugin, role)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd

import numpy as np

from ssltoolbox.api import (
    Clip,
    Dataset,
    NegativeSampler,
    NegativeSamplerOptions,
    Options,
    PositiveGenerator,
    SslToolboxError,
    UserError,
)
from ssltoolbox.data.drawing.streams import stream

OTHER_ANCHORS = 16
"""How many other anchors of a clip are tried where a strategy has no answer for the first."""
DRAWS_OF_A_CLIP = 4
"""How many draws of a clip are tried where images are unreadable, before the next clip takes its place."""
MOST_CLIPS = 256
"""How many clips in a row may be without an answer before the data is said not to fit the strategies."""


@dataclass(frozen=True)
class Draw:
    """The frames of one draw.

    Attributes:
        id: unique within a run.
        clip: the clip's index.
        identity: the number of the clip's person.
        frames: R = 2(1+K) frame numbers: `[anchor, hard_1 … hard_K, pos(anchor), pos(hard_1) … pos(hard_K)]`.
        times: their seconds within the clip.
        anchors_refused, clips_refused: how many had no answer before this one.
    """

    id: int
    clip: int
    identity: int
    frames: tuple[int, ...]
    times: tuple[float, ...]
    anchors_refused: int = 0
    clips_refused: int = 0


@dataclass(frozen=True)
class Strategies:
    """The strategies that pick frames, each with a name that keys its random numbers.

    The name is the recipe's, and its occurrence where it stands there twice; so a plugin that is added leaves
    the draws of the others as they were.
    """

    generators: Sequence[tuple[str, PositiveGenerator[Options]]] = ()
    samplers: Sequence[tuple[str, NegativeSampler[NegativeSamplerOptions]]] = ()

    @cached_property
    def hard_negatives(self) -> int:
        """K: hard negatives of each draw."""
        return sum(sampler.options.count for _, sampler in self.samplers)


class Drawer:
    """Makes draws. Every worker and every rank has one; they all give the same draws.

    Args:
        dataset: where the clips come from.
        strategies: what picks the frames.
        seed: the recipe's.
        stride: draws of an optimiser step. A clip without an answer is replaced by the one that many places
            further on in the epoch, so that a clip rarely comes twice in a batch; after all that lie so, by those
            beside them.
    """

    def __init__(self, dataset: Dataset, strategies: Strategies, seed: int, stride: int) -> None:
        self.dataset = dataset
        self.strategies = strategies
        self.seed = seed
        self.stride = stride
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, dtype=np.int64))

    def draw(self, epoch: int, slot: int, again: int = 0) -> Draw:
        """The draw at a place of an epoch.

        Args:
            epoch, slot: the place; slots run from 0 to the number of clips.
            again: counts up where the images of the draw before could not be read.

        Raises:
            UserError: when no clip has an answer.
        """
        order = self._epoch_order(epoch)
        refused = 0
        # Of fewer clips than draws that could not be read, the first ones' turn comes again.
        first = again // DRAWS_OF_A_CLIP
        hops = range(first, first + min(len(order), MOST_CLIPS))
        apart = len(order) // gcd(len(order), self.stride)
        for clips_refused, hop in enumerate(hops):
            place = slot + hop * self.stride + hop // apart
            clip = self.dataset.clip(int(order[place % len(order)]))
            for anchor_try, anchor in enumerate(self._anchors(epoch, clip, hop, again)):
                key = f"{self.seed}/{epoch}/{clip.index}/{hop}/{again}/{anchor_try}"
                frames = self._frames(clip, anchor, key)
                if frames is not None:
                    times = tuple(clip.times[list(frames)].tolist())
                    draw_id = epoch * len(order) + slot
                    return Draw(draw_id, clip.index, clip.identity, frames, times, refused, clips_refused)
                refused += 1
        raise UserError(self._no_answer(len(hops)))

    def _epoch_order(self, epoch: int) -> np.ndarray:
        if self._order[0] != epoch:
            rng = stream(f"{self.seed}/{epoch} order")
            self._order = (epoch, rng.permutation(len(self.dataset)))
        return self._order[1]

    def _anchors(self, epoch: int, clip: Clip, hop: int, again: int) -> Iterator[int]:
        """Distinct frames, all equally likely; most clips need no more than the first."""
        rng = stream(f"{self.seed}/{epoch}/{clip.index}/{hop}/{again} anchor")
        first = int(rng.integers(len(clip)))
        yield first
        others = rng.permutation(len(clip))
        yield from map(int, others[others != first][:OTHER_ANCHORS])

    def _frames(self, clip: Clip, anchor: int, key: str) -> tuple[int, ...] | None:
        """The frames of all roles, or None where a strategy has no answer."""
        instances = [anchor]
        for name, sampler in self.strategies.samplers:
            hard = sampler.pick(clip, anchor, stream(f"{key} {name} 0"))
            if len(hard) < sampler.options.count:
                return None
            instances += [_inside(frame, clip, name) for frame in hard[: sampler.options.count]]
        positives = [self._positive(clip, frame, role, key) for role, frame in enumerate(instances)]
        if None in positives:
            return None
        return (*instances, *(frame for frame in positives if frame is not None))

    def _positive(self, clip: Clip, frame: int, role: int, key: str) -> int | None:
        for name, generator in self.strategies.generators:
            picked = generator.pick(clip, frame, stream(f"{key} {name} {role}"))
            if picked is None:
                return None
            frame = _inside(picked, clip, name)
        return frame

    def _no_answer(self, clips: int) -> str:
        names = [name for name, _ in (*self.strategies.generators, *self.strategies.samplers)]
        longest = max((self.dataset.clip(i) for i in range(min(len(self.dataset), MOST_CLIPS))), key=len)
        seconds = longest.times[-1] - longest.times[0]
        return (
            f"{' and '.join(names)} found nothing to draw in {clips} clips, "
            f"{1 + OTHER_ANCHORS} anchors each; "
            f"the longest has {len(longest)} frames ({seconds:.2f} s); "
            "use longer clips, or smaller offsets and gaps"
        )


def _inside(frame: int, clip: Clip, strategy: str) -> int:
    if not 0 <= frame < len(clip):
        raise SslToolboxError(
            f"{strategy} picked frame {frame} of {clip.name or f'clip {clip.index}'}, which has {len(clip)} frames"
        )
    return int(frame)
