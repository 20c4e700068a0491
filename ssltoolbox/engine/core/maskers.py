"""Combines the recipe's maskers: descriptors by key, the union of the masks, the product of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ssltoolbox.api import (
    Attraction,
    Batch,
    Comparison,
    MaskerAnswer,
    Masking,
    NegativeMasker,
    Options,
    Rows,
    SslToolboxError,
)
from ssltoolbox.losses.queue import unknown_of


class MaskerUnion:
    """The recipe's maskers. False without any.

    Args:
        maskers: key in the recipe → masker, such as `mask_fn` and `mask_fn#2`.

    Raises:
        SslToolboxError: if a masker that learns is not an `nn.Module`, because no checkpoint would save its state.
    """

    def __init__(self, maskers: Mapping[str, NegativeMasker[Options]] | None = None) -> None:
        self.maskers = dict(maskers or {})
        for key, masker in self.learning.items():
            if not isinstance(masker, nn.Module):
                raise SslToolboxError(
                    f"masker {key!r}: {type(masker).__name__} defines update: it must derive from nn.Module too, "
                    "and keep what update changes in buffers"
                )

    def __bool__(self) -> bool:
        return bool(self.maskers)

    @property
    def needs_similarity(self) -> bool:
        """True if a masker needs the similarity of the step."""
        return any(masker.needs_similarity for masker in self.maskers.values())

    @property
    def needs_embeddings(self) -> bool:
        """True if a masker needs the embeddings of the step."""
        return any(masker.needs_embeddings for masker in self.maskers.values())

    @property
    def learning(self) -> dict[str, NegativeMasker[Options]]:
        """The maskers that define `update`."""
        return {key: masker for key, masker in self.maskers.items() if _defines(masker, "update")}

    def without_similarity(self) -> MaskerUnion:
        """The maskers that need neither similarities nor embeddings."""
        return MaskerUnion(
            {
                key: one
                for key, one in self.maskers.items()
                if not (one.needs_similarity or one.needs_embeddings)
            }
        )

    @torch.no_grad()
    def describe(self, batch: Batch) -> dict[str, Tensor]:
        """Key of a masker → [N, R, F] its descriptors of the frames."""
        frames = batch.frames.shape[:2]
        return {
            key: masker.describe(batch).float().unflatten(0, frames) for key, masker in self.maskers.items()
        }

    def mask(
        self,
        anchors: Rows,
        candidates: Rows,
        similarity: Tensor | None = None,
        negative: Tensor | None = None,
        step: int | None = None,
        temperature: float | None = None,
        embeddings: tuple[Tensor, Tensor] | None = None,
    ) -> Masking:
        """The combined answer of the maskers for these pairs. See `ssltoolbox.api.Maskers`.

        A pair is eligible for a masker if it comes from different draws and both descriptors are finite. So a hard
        negative is never masked for the anchor of its own draw.

        Raises:
            SslToolboxError: if an answer has the wrong shape, or if a masker needs the similarity, the embeddings
                or the step and does not get them.
        """
        different = (anchors.draw[:, None] != candidates.draw) & (candidates.draw >= 0)
        united = _United(different)
        for key, masker in self.maskers.items():
            lacking = {
                "the similarity of embeddings": masker.needs_similarity and similarity is None,
                "embeddings": masker.needs_embeddings and embeddings is None,
                "the number of the step": masker.needs_step and step is None,
            }
            if what := next((what for what, lacks in lacking.items() if lacks), None):
                raise SslToolboxError(
                    f"masker {key!r} needs {what}, which the method doesn't give to context.maskers.mask; "
                    "NTXentLoss.compare(…, step=inputs.step) gives all that maskers need"
                )
            own, theirs = _seen_by(key, anchors, candidates)
            known = _finite(own.descriptors[key])[:, None] & _finite(theirs.descriptors[key])
            comparison = Comparison(
                own,
                theirs,
                different if negative is None else negative,
                different & known,
                similarity,
                step,
                temperature,
                embeddings if masker.needs_embeddings else None,
            )
            united.add(key, masker, _answer(masker, comparison), comparison.eligible, known)
        return united.masking(anchors, candidates)

    @torch.no_grad()
    def update(self, rows: Rows, embeddings: Tensor) -> None:
        """Updates the maskers that learn. See `NegativeMasker.update`."""
        for key, masker in self.learning.items():
            described = {key: rows.descriptors[key]}
            masker.update(replace(rows, descriptors=described), embeddings)


class _United:
    """Combines answers for the same pairs, one after the other.

    Args:
        different: [A, C] bool, pairs of different draws.
    """

    def __init__(self, different: Tensor) -> None:
        self.masked = torch.zeros_like(different)
        self.eligible = torch.zeros_like(different)
        self.weights: Tensor | None = None
        self.negatives: list[Tensor] = []
        self.attractions: dict[str, Attraction] = {}
        self.shares: dict[str, Tensor] = {}
        self.terms: dict[str, Tensor] = {}

    def add(
        self,
        key: str,
        masker: NegativeMasker[Options],
        answer: MaskerAnswer,
        eligible: Tensor,
        known: Tensor,
    ) -> None:
        """Adds an answer. `eligible` and `known`, [A, C] bool, are the pairs that it may mask and weigh."""
        shape = eligible.shape
        if answer.masked is not None:
            _check(masker, "a mask", answer.masked, shape, answer.masked.dtype == torch.bool, "torch.bool")
            masked = answer.masked & eligible
            self.masked |= masked
            self.eligible |= eligible
            self.shares[f"{key}_masked_share"] = _share(masked, eligible)
            if masker.attract > 0:
                self.attractions[key] = Attraction(masker.attract, masked)
        if answer.weights is not None:
            _check(masker, "weights", answer.weights, shape, answer.weights.is_floating_point(), "floats")
            weights = answer.weights.where(known, 1.0)
            if not ((weights > 0) & weights.isfinite()).all():
                raise SslToolboxError(
                    f"{type(masker).__name__}.answer gave weights that are not finite or not above 0"
                )
            self.weights = weights if self.weights is None else self.weights * weights
        if answer.negatives is not None:
            if answer.negatives.ndim != 3 or len(answer.negatives) != shape[0]:
                raise SslToolboxError(
                    f"{type(masker).__name__}.answer gave further negatives {list(answer.negatives.shape)}, not "
                    f"[{shape[0]}, E, D]"
                )
            self.negatives.append(answer.negatives)
        self.terms |= {f"{key}_{name}": value for name, value in answer.terms.items()}

    def masking(self, anchors: Rows, candidates: Rows) -> Masking:
        """The combined answer."""
        terms: dict[str, Tensor] = {}
        if self.shares:
            terms["masked_share"] = _share(self.masked, self.eligible)
            terms |= self.shares if len(self.shares) > 1 else {}
            terms |= _agreement(self.masked, self.eligible, anchors, candidates)
        negatives = torch.cat(self.negatives, dim=1) if self.negatives else None
        return Masking(self.masked, self.attractions, self.weights, terms | self.terms, negatives)


def _answer(masker: NegativeMasker[Options], comparison: Comparison) -> MaskerAnswer:
    """The answer of a masker, with a gradient only if the masker is differentiable."""
    similarity = comparison.similarity if masker.needs_similarity else None
    if similarity is not None and not masker.differentiable:
        similarity = similarity.detach()
    with torch.set_grad_enabled(masker.differentiable and torch.is_grad_enabled()):
        answer = masker.answer(replace(comparison, similarity=similarity))
    return MaskerAnswer(masked=answer) if isinstance(answer, Tensor) else answer


def _check(
    masker: NegativeMasker[Options], what: str, found: Tensor, shape: torch.Size, right_type: bool, type_: str
) -> None:
    """
    Raises:
        SslToolboxError: when what a masker gave has the wrong type or shape.
    """
    if not right_type or found.shape != shape:
        method = "answer" if _defines(masker, "answer") else "mask"
        raise SslToolboxError(
            f"{type(masker).__name__}.{method} gave {found.dtype} {list(found.shape)} as {what}, "
            f"not {type_} {list(shape)}"
        )


def _defines(masker: Any, method: str) -> bool:
    """True if a masker overrides a method of `NegativeMasker`."""
    return getattr(type(masker), method) is not getattr(NegativeMasker, method)


def _seen_by(key: str, anchors: Rows, candidates: Rows) -> tuple[Rows, Rows]:
    """The rows with the descriptors of one masker.

    Candidates without descriptors or labels, as in an empty queue, have unknown ones.
    """
    own, theirs = (rows.descriptors.get(key, rows.descriptors.get("")) for rows in (anchors, candidates))
    if own is None:
        raise SslToolboxError(f"the rows have no descriptors of masker {key!r}")
    if theirs is None:
        theirs = own.new_full((len(candidates), own.shape[1]), torch.nan)
    labels = {
        name: values.new_full((len(candidates), *values.shape[1:]), unknown_of(values))
        for name, values in anchors.labels.items()
        if name not in candidates.labels
    }
    return (
        replace(anchors, descriptors={key: own}),
        replace(candidates, descriptors={key: theirs}, labels={**candidates.labels, **labels}),
    )


def _finite(descriptors: Tensor) -> Tensor:
    return descriptors.isfinite().all(dim=1)


def _share(masked: Tensor, eligible: Tensor) -> Tensor:
    return masked.sum() / eligible.sum().clamp(min=1)


def _agreement(masked: Tensor, eligible: Tensor, anchors: Rows, candidates: Rows) -> dict[str, Tensor]:
    """For each class label, how often a masked candidate, and any candidate, has the class of the row."""
    terms = {}
    for label, values in anchors.labels.items():
        theirs = candidates.labels.get(label)
        if theirs is None or values.ndim > 1 or values.is_floating_point():
            continue
        known = eligible & (values >= 0)[:, None] & (theirs >= 0)
        same = known & (values[:, None] == theirs)
        terms[f"masked_same_{label}"] = (same & masked).sum() / (known & masked).sum().clamp(min=1)
        terms[f"chance_same_{label}"] = same.sum() / known.sum().clamp(min=1)
    return terms
