"""The contract of negative maskers, and how several are combined. A target is called as `Target(options)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from ssltoolbox.api.options import Options

if TYPE_CHECKING:
    from torch import Tensor

    from ssltoolbox.api.tensors import Batch, Rows

OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True, eq=False)
class Comparison:
    """The pairs that a step compares, as a masker sees them.

    Attributes:
        anchors: A rows, with the masker's own descriptors.
        candidates: C rows, in the same way.
        negative: [A, C] bool: True where the loss uses the candidate as a negative of the anchor. False for the
            anchor itself and its positive.
        eligible: [A, C] bool: True where the candidate may be masked: both rows have finite descriptors and come
            from different draws.
        similarity: [A, C] cosines of the embeddings of this step, also where `negative` is False. None unless the
            masker needs them.
        step: optimiser steps done before this one. None if the method does not pass it; a recipe's masker with
            `needs_step` then fails with an error.
        temperature: τ of the method's loss. None if the method does not pass it.
        embeddings: [A, D] and [C, D] the unit embeddings of anchors and candidates, detached. None unless the
            masker needs them.
    """

    anchors: Rows
    candidates: Rows
    negative: Tensor
    eligible: Tensor
    similarity: Tensor | None = None
    step: int | None = None
    temperature: float | None = None
    embeddings: tuple[Tensor, Tensor] | None = None


@dataclass(frozen=True, eq=False)
class MaskerAnswer:
    """The answer of a masker for the pairs of a step.

    Attributes:
        masked: [A, C] bool, True for a false negative. Values where `Comparison.eligible` is False are ignored.
        weights: [A, C] above 0: the number of ordinary negatives that a candidate counts as. Values of pairs with
            a descriptor that is not finite are ignored. The weights of several maskers are multiplied.
        negatives: [A, E, D] embeddings of additional negatives of each anchor. E may differ from step to step.
        terms: named scalars for the log, detached.
    """

    masked: Tensor | None = None
    weights: Tensor | None = None
    negatives: Tensor | None = None
    terms: Mapping[str, Tensor] = field(default_factory=dict)


class NegativeMasker(Generic[OptionsT]):
    """A strategy that finds false negatives among the candidates of a row, weights candidates, or adds negatives.

    A simple masker defines `describe` and `mask`. A masker that uses the embeddings, or that returns more than a
    mask, defines `answer` instead of `mask`. A masker with tensors of its own also derives from `nn.Module`:

        class Threshold(NegativeMasker[ThresholdOptions], nn.Module): ...

    Attributes:
        attract: weight of the attraction, the term of the loss that pulls a row towards its masked candidates;
            with 0 they are only removed from the denominator.
        needs_similarity: True if the masker needs `Comparison.similarity`.
        needs_step: True if the masker needs `Comparison.step`, for example for a warm-up.
        needs_embeddings: True if the masker needs `Comparison.embeddings`.
        differentiable: True if the gradient of the loss also goes through the weights: the similarity then comes
            with its gradient. False if the similarity is detached and the weights are constants.

    Examples:
        >>> import torch
        >>> from ssltoolbox.api import Rows
        >>> class SameLight(NegativeMasker[Options]):
        ...     def describe(self, batch):
        ...         return batch.frames.flatten(0, 1).float().mean(dim=(1, 2, 3))[:, None]
        ...     def mask(self, anchors, candidates, eligible):
        ...         return eligible & (torch.cdist(anchors.descriptor, candidates.descriptor) < 5)
        >>> ids = torch.arange(3)
        >>> rows = Rows(ids, ids, ids, ids.double(), descriptor=torch.tensor([[10.0], [90.0], [12.0]]))
        >>> SameLight(Options()).mask(rows, rows, eligible=ids[:, None] != ids).int().tolist()
        [[0, 0, 1], [0, 0, 0], [1, 0, 0]]

        Weights that grow with the similarity of the step:

        >>> class Harder(NegativeMasker[Options]):
        ...     needs_similarity = True
        ...     def answer(self, comparison):
        ...         return MaskerAnswer(weights=comparison.similarity.exp())
        >>> other = ids[:, None] != ids
        >>> comparison = Comparison(rows, rows, other, other, similarity=torch.zeros(3, 3))
        >>> Harder(Options()).answer(comparison).weights[0].tolist()
        [1.0, 1.0, 1.0]
    """

    attract: float = 0.0
    needs_similarity: bool = False
    needs_step: bool = False
    needs_embeddings: bool = False
    differentiable: bool = False

    def __init__(self, options: OptionsT) -> None:
        super().__init__()
        self.options = options

    def describe(self, batch: Batch) -> Tensor:
        """[N·R, F] descriptors of the frames before `render`, draw-major; a row of NaN is never masked.

        It runs without gradient on the device, or, if that is a CPU, on the loader's workers. So it must not set
        attributes that `mask` or `answer` need, and must not depend on state that `update` changes. By default, F
        is 0.
        """
        return batch.time.new_empty((batch.frames.shape[0] * batch.frames.shape[1], 0))

    def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
        """[A, C] bool: True where the candidate is a false negative of the anchor.

        `eligible`, [A, C] bool, is True for the pairs that may be masked. Results for other pairs are ignored.
        """
        raise NotImplementedError(f"{type(self).__name__} must define mask or answer")

    def answer(self, comparison: Comparison) -> MaskerAnswer | Tensor:
        """A mask, weights, or both, for the pairs of a step; a plain [A, C] bool tensor is a mask.

        It runs in the training process, once for each comparison of a micro-batch, and must not change any state.
        By default, it calls `mask`.
        """
        return self.mask(comparison.anchors, comparison.candidates, comparison.eligible)

    def update(self, rows: Rows, embeddings: Tensor) -> None:
        """Updates the state of the masker after the backward pass of a micro-batch. By default, it does nothing.

        It runs in the training process, without gradient.

        Keep the state in buffers of an `nn.Module`: they are saved in checkpoints, so that a resumed run gives
        the same result. All ranks get the same arguments.

        Args:
            rows: the rows of all ranks, side A, then side B.
            embeddings: [rows, D] their embeddings, as the method reports them.
        """


@dataclass(frozen=True, eq=False)
class Attraction:
    """The attraction of one masker: its weight, and the mask [A, C] bool."""

    weight: float
    masked: Tensor


@dataclass(frozen=True, eq=False)
class Masking:
    """The combined answer of a recipe's maskers for the pairs of a step.

    Attributes:
        masked: [A, C] bool, True for a false negative of any masker.
        attractions: key of a masker → its attraction, for maskers that attract.
        weights: [A, C] the product of the weights; None if no masker gives weights.
        negatives: [A, E, D] the additional negatives of all maskers; None if there are none.
        terms: named scalars for the log: the share of eligible candidates that are masked; for each class label,
            the shares of masked candidates and of all candidates that have the class of the row.
    """

    masked: Tensor
    attractions: Mapping[str, Attraction] = field(default_factory=dict)
    weights: Tensor | None = None
    terms: Mapping[str, Tensor] = field(default_factory=dict)
    negatives: Tensor | None = None

    @property
    def attract(self) -> float:
        """The largest weight of an attraction. A method of API 1 knows only this weight."""
        return max((attraction.weight for attraction in self.attractions.values()), default=0.0)

    @property
    def parts(self) -> Mapping[str, Tensor]:
        """The name of `terms` in API 1."""
        return self.terms


class Maskers(Protocol):
    """The recipe's maskers, combined. As a bool, it is False if there are none."""

    def __bool__(self) -> bool: ...

    @property
    def needs_similarity(self) -> bool:
        """True if a masker needs the similarity of the step."""
        ...

    @property
    def needs_embeddings(self) -> bool:
        """True if a masker needs the embeddings of the step."""
        ...

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
        """The combined answer for these pairs. It also decides which pairs are eligible.

        Args:
            anchors: A rows.
            candidates: C rows.
            similarity: [A, C] cosines of their embeddings, with their gradient; required if `needs_similarity`.
            negative: [A, C] bool, see `Comparison`; by default, all pairs of different draws.
            step: see `Comparison`.
            temperature: see `Comparison`.
            embeddings: [A, D] and [C, D] unit embeddings; required if `needs_embeddings`.
        """
        ...
