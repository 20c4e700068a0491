"""The contract of auxiliary losses. A target is called as `Target(options, context)`, with a `MethodContext`."""

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
    """The inputs of an auxiliary loss: a micro-batch on this rank.

    There are 2M rows, side A, then side B. If the backbone of the method sees only side A, as in MoCo-v2, there
    are only the M rows of side A.

    Attributes:
        features: [rows, feature_dim] features of the backbone, with their gradient.
        embeddings: [rows, D] the embeddings that the method compares, with their gradient; None if the method
            reports none.
        rows: clip, identity, time and more of each row.
        step: number of the optimiser step, from 0.
        two_sides: True if there are rows of both sides; row i and row i + rows/2 are then a pair.
        temperature: τ of the method's loss; None if the method reports none.
    """

    features: Tensor
    embeddings: Tensor | None
    rows: Rows
    step: int
    two_sides: bool = True
    temperature: float | None = None

    @property
    def similarity(self) -> Tensor:
        """[rows, rows] cosines of the embeddings, or of the features if the method reports no embeddings.

        They are in single precision or better, whatever the precision of the run: bf16 would lose small
        distances between similar rows.
        """
        import torch
        import torch.nn.functional as F

        values = self.features if self.embeddings is None else self.embeddings
        with torch.autocast(values.device.type, enabled=False):
            unit = F.normalize(values.to(torch.promote_types(values.dtype, torch.float32)), dim=1)
            return unit @ unit.T


class AuxiliaryLoss(Generic[OptionsT]):
    """A loss that a recipe adds to the loss of any method, with a weight.

    A loss with parameters also derives from `nn.Module`. Its parameters are trained together with those of the
    method. Each rank computes the loss on its own rows, and gradients are averaged over ranks.

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
        """The loss [], before the weight is applied; or a `LossTerms`, to add terms to the log."""
        raise NotImplementedError(f"{type(self).__name__} must define loss")
