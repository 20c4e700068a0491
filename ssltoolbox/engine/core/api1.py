"""Adapters for strategies of API 1, where all frames of a draw have the same clip and the same identity."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor, nn

from ssltoolbox.api import Batch, Clip, Kind, NegativeMasker, Options, Pick, Rows


def adapted(component: Any, kind: Kind) -> Any:
    """Wraps a component of API 1, so that the engine can call it as one of API 2."""
    adapter = {Kind.POSITIVE_GENERATORS: OlderGenerator, Kind.NEGATIVE_MASKERS: OlderMasker}.get(kind)
    return adapter(component) if adapter else component


class OlderGenerator(nn.Module):
    """A positive generator of API 1."""

    def __init__(self, generator: Any) -> None:
        super().__init__()
        self.generator = generator
        self.options = generator.options

    def pick(self, clip: Clip, frame: int, rng: np.random.Generator) -> int | Pick | None:
        """Calls the generator's `pick`."""
        picked: int | None = self.generator.pick(clip, frame, rng)
        return picked

    def render(self, batch: Batch) -> Batch:
        """Calls the generator's `render`; clip and identity of each row stay."""
        rendered: Batch = self.generator.render(_one_clip_a_draw(batch))
        return replace(rendered, clip=batch.clip, identity=batch.identity)


class OlderMasker(NegativeMasker[Options], nn.Module):
    """A negative masker of API 1."""

    def __init__(self, masker: Any) -> None:
        super().__init__(masker.options)
        self.masker = masker
        self.attract: float = masker.attract

    def describe(self, batch: Batch) -> Tensor:
        """Calls the masker's `describe`."""
        described: Tensor = self.masker.describe(_one_clip_a_draw(batch))
        return described

    def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
        """Calls the masker's `mask`."""
        masked: Tensor = self.masker.mask(anchors, candidates, eligible)
        return masked


def _one_clip_a_draw(batch: Batch) -> Batch:
    """The batch with clip and identity [N], those of the anchors."""
    return replace(batch, clip=batch.clip[:, 0], identity=batch.identity[:, 0])
