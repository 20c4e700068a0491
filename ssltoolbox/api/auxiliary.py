"""The contract of auxiliary losses. A target is called as `Target(options, context)`, as a method is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from ssltoolbox.api.options import Options

if TYPE_CHECKING:
    from torch import Tensor

    from ssltoolbox.api.methods import MethodContext
    from ssltoolbox.api.tensors import LossTerms, Rows

OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True, eq=False)
class AuxiliaryInputs:
    """What an auxiliary loss sees of a micro-batch on this rank.

    The rows are the 2M of a step, side A, then side B; or the M of side A, for a method whose backbone sees side A
    alone, such as MoCo-v2.

    Attributes:
        features: [rows, feature_dim] the backbone's, with their gradient.
        embeddings: [rows, D] what the method compares, with their gradient; None if the method has none.
        rows: who the rows are.
        step: number of the optimiser step, from 0.
    """

    features: Tensor
    embeddings: Tensor | None
    rows: Rows
    step: int


class AuxiliaryLoss(Generic[OptionsT]):
    """A loss that a recipe adds to that of any method, with a weight.

    One that has parameters also derives from `nn.Module`; they are optimised with the method's. Each rank computes
    it on its own rows, and gradients are averaged over ranks.

    Examples:
        >>> import torch
        >>> from ssltoolbox.api import Rows
        >>> class Short(AuxiliaryLoss[Options]):
        ...     def loss(self, inputs):
        ...         return inputs.features.square().sum(dim=1).mean()
        >>> ids = torch.arange(2)
        >>> inputs = AuxiliaryInputs(torch.ones(2, 3), None, Rows(ids, ids, ids, ids.double()), step=0)
        >>> Short(Options(), context=None).loss(inputs).item()
        3.0
    """

    def __init__(self, options: OptionsT, context: MethodContext) -> None:
        super().__init__()
        self.options = options

    def loss(self, inputs: AuxiliaryInputs) -> Tensor | LossTerms:
        """[] to be minimised, before its weight; a `LossTerms` if it has terms of its own for the log."""
        raise NotImplementedError(f"{type(self).__name__} must define loss")
