"""Draws: the clips and frames of a step, as a pure function of (seed, epoch, clip, plugin, role)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import NamedTuple

import numpy as np

from ssltoolbox.api import (
    Clip,
    Dataset,
    NegativeSampler,
    NegativeSamplerOptions,
    Options,
    OrderedDataset,
    Pick,
    PositiveGenerator,
    SslToolboxError,
    UserError,
)
from ssltoolbox.data.drawing.catalogue import SplitCatalogue
from ssltoolbox.data.drawing.streams import stream
from ssltoolbox.support.words import counted

OTHER_ANCHORS = 16
"""Further anchors of a clip that are tried if a strategy has no answer for the first."""
DRAWS_OF_A_CLIP = 4
"""Draws of a clip that are tried because of unreadable images, before the next clip replaces it."""
MOST_CLIPS = 256
"""Consecutive clips without an answer after which the run fails."""


@dataclass(frozen=True)
class Draw:
    """The frames of one draw: `[anchor, hard_1 … hard_K, pos(anchor), pos(hard_1) … pos(hard_K)]`.

    R = 2(1+K), or 1+K without positives.

    Attributes:
        id: unique within a run.
        clips: [R] clip numbers.
        identities: [R] the people of those clips.
        frames: [R] frame numbers within the clips.
        times: [R] seconds within the clips.
        found: [R] results of the picks.
        anchors_refused, clips_refused: numbers of anchors and clips without an answer before this one.
    """

    id: int
    clips: tuple[int, ...]
    identities: tuple[int, ...]
    frames: tuple[int, ...]
    times: tuple[float, ...]
    found: tuple[Mapping[str, float], ...]
    anchors_refused: int = 0
    clips_refused: int = 0

    @property
    def clip(self) -> int:
        """The anchor's clip."""
        return self.clips[0]


class _Picked(NamedTuple):
    """A frame with its clip, and the results of its picks."""

    clip: Clip
    frame: int
    found: Mapping[str, float]


@dataclass(frozen=True)
class Strategies:
    """The strategies that pick frames, each with a key for its random numbers.

    The key is the name in the recipe, with `#2` for its second occurrence. So adding a plugin does not change the
    draws of the others.
    """

    generators: Sequence[tuple[str, PositiveGenerator[Options]]] = ()
    samplers: Sequence[tuple[str, NegativeSampler[NegativeSamplerOptions]]] = ()

    @cached_property
    def hard_negatives(self) -> int:
        """K: hard negatives of each draw."""
        return sum(sampler.options.count for _, sampler in self.samplers)


class Drawer:
    """Makes draws. Every worker and every rank has a drawer, and all give the same draws.

    Args:
        dataset: where the clips come from.
        strategies: what picks the frames.
        seed: the recipe's.
        stride: draws of an optimiser step. A clip without an answer is replaced by the clip that comes this many
            draws later in the epoch, so that a clip is rarely twice in a batch; then by the neighbours of these
            clips.
        with_positives: False if the method does not use side B.
    """

    def __init__(
        self, dataset: Dataset, strategies: Strategies, seed: int, stride: int, with_positives: bool = True
    ) -> None:
        self.dataset = dataset
        self.catalogue = SplitCatalogue(dataset)
        self.with_positives = with_positives
        self.strategies = strategies
        self.seed = seed
        self.stride = stride
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, dtype=np.int64))

    def draw(self, epoch: int, number: int, again: int = 0) -> Draw:
        """A draw of an epoch.

        Args:
            epoch: number of the epoch.
            number: number of the draw in the epoch, below the number of clips.
            again: how often the draw is repeated because of unreadable images.

        Raises:
            UserError: when no clip has an answer.
        """
        order = self._epoch_order(epoch)
        refused = 0
        # After all clips have been tried, the first clips are tried again.
        first = again // DRAWS_OF_A_CLIP
        hops = range(first, first + min(len(order), MOST_CLIPS))
        apart = len(order) // gcd(len(order), self.stride)
        for clips_refused, hop in enumerate(hops):
            position = number + hop * self.stride + hop // apart
            clip = self.catalogue.clip(int(order[position % len(order)]))
            for anchor_try, anchor in enumerate(self._anchors(epoch, clip, hop, again)):
                key = f"{self.seed}/{epoch}/{clip.index}/{hop}/{again}/{anchor_try}"
                frames = self._frames(clip, anchor, key)
                if frames is not None:
                    return _draw(epoch * len(order) + number, frames, refused, clips_refused)
                refused += 1
        raise UserError(self._no_answer(len(hops)))

    def _epoch_order(self, epoch: int) -> np.ndarray:
        if self._order[0] != epoch:
            rng = stream(f"{self.seed}/{epoch} order")
            if isinstance(self.dataset, OrderedDataset):
                self._order = (epoch, self.dataset.order(rng))
            else:
                self._order = (epoch, rng.permutation(len(self.dataset)))
        return self._order[1]

    def _anchors(self, epoch: int, clip: Clip, hop: int, again: int) -> Iterator[int]:
        """Distinct frames, all equally likely; most clips need only the first."""
        rng = stream(f"{self.seed}/{epoch}/{clip.index}/{hop}/{again} anchor")
        first = int(rng.integers(len(clip)))
        yield first
        others = rng.permutation(len(clip))
        yield from map(int, others[others != first][:OTHER_ANCHORS])

    def _frames(self, clip: Clip, anchor: int, key: str) -> list[_Picked] | None:
        """The frames of all roles, or None where a strategy has no answer."""
        instances = [_Picked(clip, anchor, {})]
        for name, sampler in self.strategies.samplers:
            hard = sampler.pick(clip, anchor, stream(f"{key} {name} 0"))
            if not isinstance(hard, Sequence):
                raise SslToolboxError(f"{name} picked {hard!r:.60}, not a list of frames; [] means no answer")
            if len(hard) < sampler.options.count:
                return None
            instances += [self._picked(clip, frame, name) for frame in hard[: sampler.options.count]]
        if not self.with_positives:
            return instances
        positives = [self._positive(instance, role, key) for role, instance in enumerate(instances)]
        if None in positives:
            return None
        return [*instances, *(positive for positive in positives if positive is not None)]

    def _positive(self, instance: _Picked, role: int, key: str) -> _Picked | None:
        positive = instance._replace(found={})
        for name, generator in self.strategies.generators:
            answer = generator.pick(positive.clip, positive.frame, stream(f"{key} {name} {role}"))
            if answer is None:
                return None
            picked = self._picked(positive.clip, answer, name)
            positive = picked._replace(found={**positive.found, **picked.found})
        return positive

    def _picked(self, clip: Clip, answer: int | Pick, strategy: str) -> _Picked:
        """
        Raises:
            SslToolboxError: for a frame or a clip that does not exist.
        """
        if not isinstance(answer, Pick):
            answer = Pick(answer)
        if not isinstance(answer.frame, int | np.integer):
            raise SslToolboxError(f"{strategy} picked {answer.frame!r:.60}, not the number of a frame")
        if answer.clip is not None and answer.clip != clip.index:
            if not 0 <= answer.clip < len(self.catalogue):
                raise SslToolboxError(
                    f"{strategy} picked clip {answer.clip}; the split has {counted(len(self.catalogue), 'clip')}"
                )
            clip = self.catalogue.clip(answer.clip)
        if not 0 <= answer.frame < len(clip):
            raise SslToolboxError(
                f"{strategy} picked frame {answer.frame} of {clip.name or f'clip {clip.index}'}, "
                f"which has {counted(len(clip), 'frame')}"
            )
        return _Picked(clip, int(answer.frame), answer.found)

    def _no_answer(self, clips: int) -> str:
        names = [name for name, _ in (*self.strategies.generators, *self.strategies.samplers)]
        longest = max((self.dataset.clip(i) for i in range(min(len(self.dataset), MOST_CLIPS))), key=len)
        seconds = longest.times[-1] - longest.times[0]
        return (
            f"{' and '.join(names)} found no frames in {counted(clips, 'clip')}, "
            f"{1 + OTHER_ANCHORS} anchors each; "
            f"the longest has {counted(len(longest), 'frame')} ({seconds:.2f} s); "
            "use longer clips, or smaller offsets and gaps"
        )


def _draw(number: int, picked: Sequence[_Picked], anchors_refused: int, clips_refused: int) -> Draw:
    return Draw(
        number,
        clips=tuple(one.clip.index for one in picked),
        identities=tuple(one.clip.identity for one in picked),
        frames=tuple(one.frame for one in picked),
        times=tuple(float(one.clip.times[one.frame]) for one in picked),
        found=tuple(one.found for one in picked),
        anchors_refused=anchors_refused,
        clips_refused=clips_refused,
    )
