"""The comparison of rows with candidates, by blocks of columns where the matrix is large.

Shape letters as in `ssltoolbox.losses.nt_xent`, and B columns of a block.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ssltoolbox.losses.split_negatives import SplitNegatives

MOST_PAIRS = 2**26
"""Of more pairs of rows and candidates, blocks of columns are compared; a matrix of so many takes 256 MiB."""


class Sums(NamedTuple):
    """What a comparison gives for each row and each masked pair.

    Attributes:
        log_sum_S: log Σ n·e^logit over the unmasked negatives.
        further_S: Σ share · logit over the candidates that share the target; None without shares.
        row_V, column_V: the masked pairs that attract.
        masked_V: their logits.
    """

    log_sum_S: Tensor
    further_S: Tensor | None
    row_V: Tensor
    column_V: Tensor
    masked_V: Tensor


class Sides(NamedTuple):
    """The unit vectors that are compared.

    Attributes:
        rows_SD, positive_SD, all_CD: rows, the positive of each row, and the candidates.
        own_SP: in batch, the columns that are not negatives; None with a queue.
        temperature: τ.
        most_pairs: the most pairs that are compared at once.
    """

    rows_SD: Tensor
    positive_SD: Tensor
    all_CD: Tensor
    own_SP: Tensor | None
    temperature: float
    most_pairs: int = MOST_PAIRS

    def with_positive(self) -> Tensor:
        """[S] the logit of each row with its positive."""
        return scaled("sd,sd->s", self.rows_SD, self.positive_SD, self.temperature)

    def similarity(self) -> Tensor:
        """[S, C] the cosines of all pairs."""
        return scaled("sd,cd->sc", self.rows_SD, self.all_CD, self.temperature) * self.temperature

    def embeddings(self) -> tuple[Tensor, Tensor]:
        """[S, D] and [C, D] of the rows and the candidates, detached."""
        return self.rows_SD.detach(), self.all_CD.detach()

    def is_negative(self) -> Tensor:
        """[S, C] bool."""
        every = torch.ones((), dtype=torch.bool, device=self.rows_SD.device)
        every = every.expand(len(self.rows_SD), len(self.all_CD))
        return every if self.own_SP is None else every.scatter(1, self.own_SP, False)

    def without_own(self, mask_SC: Tensor | None) -> Tensor | None:
        """The mask, False in the columns that are not negatives."""
        return mask_SC if mask_SC is None or self.own_SP is None else mask_SC.scatter(1, self.own_SP, False)

    def blocks(self) -> list[slice]:
        """Columns that are compared at once; all of them if the matrix is small."""
        width = max(1, self.most_pairs // len(self.rows_SD))
        return [slice(start, start + width) for start in range(0, len(self.all_CD), width)]

    def own_in(self, block: slice) -> Tensor | None:
        """[S, P] the columns of the block that are not negatives, as it counts them; others are outside of it."""
        return None if self.own_SP is None else self.own_SP - block.start

    def sums(
        self,
        masked: Tensor | None,
        attracted: Sequence[Tensor],
        weights: Tensor | None,
        shares_of: Callable[[slice], Tensor] | None,
    ) -> Sums:
        """Compares all pairs; of several blocks, the backward pass computes each one again.

        Args:
            masked: [S, C] bool, not negatives.
            attracted: masks of attractions, subsets of `masked`.
            weights: [S, C] n, above 0.
            shares_of: block → [S, B] shares of the candidates in the target, constants.
        """
        blocks = self.blocks()
        found = []
        for block in blocks:
            masked_SB = None if masked is None else masked[:, block]
            row_V, column_V = _positions(masked_SB, [mask[:, block] for mask in attracted], self.rows_SD)
            compare = _compare if len(blocks) == 1 else _compare_again
            log_sum_S, further_S, masked_V = compare(
                self.rows_SD,
                # The gradient of a slice is a copy, which adds up in another order.
                self.all_CD if len(blocks) == 1 else self.all_CD[block],
                self.temperature,
                self.own_in(block),
                masked_SB,
                None if weights is None else weights[:, block],
                None if shares_of is None else shares_of(block),
                row_V,
                column_V,
            )
            found.append(Sums(log_sum_S, further_S, row_V, column_V + block.start, masked_V))
        return found[0] if len(found) == 1 else _joined(found)


def scaled(equation: str, one: Tensor, other: Tensor, temperature: float) -> Tensor:
    """Cosines of unit vectors, divided by the temperature, in the precision of the vectors.

    Autocast does not apply: with τ = 0.07, logits in bf16 would be multiples of 1/16.
    """
    with torch.autocast(one.device.type, enabled=False):
        return torch.einsum(equation, one / temperature, other)


def _compare(
    rows_SD: Tensor,
    all_BD: Tensor,
    temperature: float,
    own_SP: Tensor | None,
    masked_SB: Tensor | None,
    weights_SB: Tensor | None,
    shares_SB: Tensor | None,
    row_V: Tensor,
    column_V: Tensor,
) -> tuple[Tensor, Tensor | None, Tensor]:
    """`log_sum_S`, `further_S` and `masked_V` of one block."""
    logits_SB = scaled("sd,cd->sc", rows_SD, all_BD, temperature)
    log_weights_SB = None if weights_SB is None else weights_SB.log()
    log_sum_S, masked_V = SplitNegatives.apply(logits_SB, own_SP, masked_SB, log_weights_SB, row_V, column_V)
    further_S = None if shares_SB is None else (logits_SB * shares_SB).sum(dim=1)
    return log_sum_S, further_S, masked_V


_compare_again = functools.partial(checkpoint, _compare, use_reentrant=False, preserve_rng_state=False)


def _joined(found: Sequence[Sums]) -> Sums:
    """The sums of all blocks."""
    log_sums, further, *pairs = zip(*found, strict=True)
    sums_S = torch.stack(log_sums)
    # A row without negatives would have the gradient NaN.
    nothing_S = sums_S.isneginf().all(dim=0)
    log_sum_S = sums_S.masked_fill(nothing_S, 0.0).logsumexp(dim=0).masked_fill(nothing_S, -torch.inf)
    further_S = None if further[0] is None else torch.stack(further).sum(dim=0)
    return Sums(log_sum_S, further_S, *map(torch.cat, pairs))


def _positions(masked: Tensor | None, attracted: Sequence[Tensor], like: Tensor) -> tuple[Tensor, Tensor]:
    """[V] and [V] rows and columns of the masked pairs that attract."""
    if masked is None or not attracted:
        nowhere = torch.empty(0, dtype=torch.long, device=like.device)
        return nowhere, nowhere
    row_V, column_V = (masked & functools.reduce(torch.logical_or, attracted)).nonzero(as_tuple=True)
    return row_V, column_V
