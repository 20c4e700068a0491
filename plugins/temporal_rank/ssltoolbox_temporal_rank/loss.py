"""Ranks frames of a clip by their distance in time.

Sources: `hinge`: Lu, Tavabi and Soleymani, *Self-Supervised Learning for Facial Action Unit Recognition through
Temporal Consistency*, BMVC 2020; `contrast`: Hoffmann, Behrmann, Gall, Brox and Noroozi, *Ranking Info Noise
Contrastive Estimation*, AAAI 2022.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ssltoolbox.api import AuxiliaryInputs, AuxiliaryLoss, LossTerms, Rows, SslToolboxError
from ssltoolbox_temporal_rank import TemporalRankOptions


class TemporalRank(AuxiliaryLoss[TemporalRankOptions]):
    """Compares the embeddings, or the features if the method reports no embeddings."""

    def loss(self, inputs: AuxiliaryInputs) -> LossTerms:
        rows, similarity = inputs.rows, inputs.similarity
        if self.options.form == "contrast":
            if not inputs.two_sides:
                raise SslToolboxError(
                    "temporal_rank: form contrast needs pairs, and the method looks at one side; write form: hinge"
                )
            same_clip = other_frames_of_the_clip(rows)
            loss, ranked = contrast(similarity, same_clip, self.options.temperatures), same_clip.any(dim=1)
        else:
            loss, ranked = hinge(2 - 2 * similarity, time_gaps(rows), self.options.margin)
        return LossTerms(loss, {"ranked_share": ranked.float().mean()})


def time_gaps(rows: Rows) -> Tensor:
    """[R, R] seconds between rows of the same clip; infinite for other clips and for a row itself."""
    gaps = (rows.time[:, None] - rows.time).abs()
    gaps = gaps.masked_fill(rows.clip[:, None] != rows.clip, torch.inf)
    return gaps.fill_diagonal_(torch.inf)


def hinge(distances: Tensor, gaps: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """Σ_k max(0, d²_{k−1} − d²_k + δ) over the frames of the row's clip in the order of their distance in time.

    Frames that are equally far away in time are not compared.

    Args:
        distances: [R, R] squared distances.
        gaps: see `time_gaps`.
        margin: δ.

    Returns:
        [] the mean over rows with ranked frames, 0 if there are none, and [R] True for these rows.
    """
    most = int(gaps.isfinite().sum(dim=1).max())
    gaps, order = gaps.sort(dim=1, stable=True)
    gaps, in_order = gaps[:, :most], distances.gather(1, order[:, :most])
    later = gaps[:, 1:].isfinite() & (gaps[:, 1:] > gaps[:, :-1])
    violations = (in_order[:, :-1] - in_order[:, 1:] + margin).relu() * later
    ranked = later.any(dim=1)
    return violations.sum() / ranked.sum().clamp(min=1), ranked


def contrast(similarity: Tensor, same_clip: Tensor, temperatures: tuple[float, float]) -> Tensor:
    """−Σ_r log( Σ_{j∈P_r} e^{s_j/τ_r} / Σ_{j∈P_≥r ∪ N} e^{s_j/τ_r} ), the mean over rows.

    P_1 is the pair of a row, P_2 the other frames of its clip, N all other rows. An empty rank adds nothing.

    Args:
        similarity: [R, R] cosines; row i and row i + R/2 are a pair.
        same_clip: [R, R] bool, P_2.
        temperatures: τ_1 and τ_2.
    """
    number = torch.arange(len(similarity), device=similarity.device)
    pair = number[:, None] == number.roll(len(number) // 2)
    candidates, loss = number[:, None] != number, similarity.new_zeros(len(number))
    for positive, temperature in zip((pair, same_clip), temperatures, strict=True):
        logits = similarity / temperature
        numerator = logits.masked_fill(~positive, -torch.inf).logsumexp(dim=1)
        denominator = logits.masked_fill(~candidates, -torch.inf).logsumexp(dim=1)
        loss = loss + (denominator - numerator).where(positive.any(dim=1), 0.0)
        candidates = candidates & ~positive
    return loss.mean()


def other_frames_of_the_clip(rows: Rows) -> Tensor:
    """[R, R] bool: rows of the same clip, but for the row itself and its pair."""
    number = torch.arange(len(rows), device=rows.clip.device)
    own = (number[:, None] - number) % (len(rows) // 2) == 0
    return (rows.clip[:, None] == rows.clip) & ~own
