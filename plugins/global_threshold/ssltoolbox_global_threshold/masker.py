"""False negatives by a learned threshold for each anchor.

Source: Balmaseda et al., *Discovering Global False Negatives On the Fly for Self-supervised Contrastive Learning*
(GloFND), ICML 2025. Code: github.com/vibalcam/GloFND.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssltoolbox.api import Comparison, MaskerAnswer, NegativeMasker, Rows
from ssltoolbox_global_threshold import GlobalThresholdOptions
from ssltoolbox_global_threshold.thresholds import Thresholds

MILLISECONDS = 1000
"""Frames of a clip are distinguished by their time in milliseconds."""


class GlobalThreshold(NegativeMasker[GlobalThresholdOptions], nn.Module):
    """Masks the candidates that are more similar to an anchor than its threshold λ.

    The thresholds are learned from the rows of a micro-batch, of all ranks and both sides; candidates of the same
    draw do not count. They are updated after the step, so that a step masks by what earlier steps have learned.
    """

    needs_similarity = True

    def __init__(self, options: GlobalThresholdOptions) -> None:
        super().__init__(options)
        self.attract = options.attract
        self.needs_step = options.warmup_steps > 0
        self.thresholds = Thresholds(options.lr)

    def answer(self, comparison: Comparison) -> MaskerAnswer:
        assert comparison.similarity is not None
        thresholds = self.thresholds.of(self._anchors(comparison.anchors))
        terms = {"threshold": thresholds.mean()}
        if comparison.step is not None and comparison.step < self.options.warmup_steps:
            return MaskerAnswer(masked=torch.zeros_like(comparison.eligible), terms=terms)
        above = comparison.similarity > thresholds[:, None]
        return MaskerAnswer(masked=above & comparison.eligible & comparison.negative, terms=terms)

    def update(self, rows: Rows, embeddings: Tensor) -> None:
        unit = F.normalize(embeddings.to(torch.promote_types(embeddings.dtype, torch.float32)), dim=1)
        anchors = self._anchors(rows)
        negative = rows.draw[:, None] != rows.draw
        gradient = threshold_gradient(
            unit @ unit.T, negative, self.thresholds.of(anchors), self.options.alpha
        )
        known = negative.any(dim=1)
        self.thresholds.learn(anchors[known], gradient[known])

    def _anchors(self, rows: Rows) -> Tensor:
        """[rows] int64, the number of what has a threshold."""
        if self.options.per == "clip":
            return rows.clip
        return (rows.clip << 32) + (rows.time * MILLISECONDS).round().long()


def threshold_gradient(similarity: Tensor, negative: Tensor, thresholds: Tensor, alpha: float) -> Tensor:
    """[A]: α − the share of the negatives of each row that is above its threshold.

    Args:
        similarity: [A, C].
        negative: [A, C] bool.
        thresholds: [A] λ.
        alpha: α.
    """
    above = (negative & (similarity > thresholds[:, None])).sum(dim=1)
    return alpha - above / negative.sum(dim=1).clamp(min=1)
