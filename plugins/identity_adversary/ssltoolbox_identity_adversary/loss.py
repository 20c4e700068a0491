"""An adversary that classifies people.

Sources: Ning, Salah and Ertugrul, *Representation Learning and Identity Adversarial Training for Facial Behavior
Understanding*, FG 2025; gradient reversal: Ganin and Lempitsky, *Unsupervised Domain Adaptation by
Backpropagation*, ICML 2015.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from lightly.utils.dist import gather, world_size
from torch import Tensor, nn

from ssltoolbox.api import AuxiliaryInputs, AuxiliaryLoss, LossTerms, MethodContext, UserError
from ssltoolbox_identity_adversary import IdentityAdversaryOptions

UNUSED = -1


class IdentityAdversary(AuxiliaryLoss[IdentityAdversaryOptions], nn.Module):
    """Cross-entropy of a linear classifier of people. The classifier minimises it, and the backbone maximises it.

    People get their classes in the order in which they first appear. The table of people is saved in checkpoints.
    """

    people: Tensor

    def __init__(self, options: IdentityAdversaryOptions, context: MethodContext) -> None:
        super().__init__(options, context)
        people = options.people or (context.data.identities if context.data else 0)
        if people < 2:
            raise UserError("identity_adversary: the number of people is not known", "set the option people")
        self.classifier = nn.Linear(context.feature_dim, people)
        self.register_buffer("people", torch.full((people,), UNUSED))

    def loss(self, inputs: AuxiliaryInputs) -> LossTerms:
        classes = self._classes(inputs.rows.identity)
        logits = self.classifier(_Reversal.apply(inputs.features, self.options.reversal))
        accuracy = (logits.argmax(dim=1) == classes).float().mean()
        return LossTerms(F.cross_entropy(logits, classes), {"accuracy": accuracy.detach()})

    @torch.no_grad()
    def _classes(self, identity: Tensor) -> Tensor:
        """[rows] the class of each person. New people are entered in the same order on every rank.

        Raises:
            UserError: if there are more people than classes.
        """
        everyone = torch.cat(gather(identity)) if world_size() > 1 else identity
        new = everyone.unique()
        new = new[~torch.isin(new, self.people)]
        start = int((self.people != UNUSED).sum())
        if start + len(new) > len(self.people):
            raise UserError(
                f"identity_adversary: the data has more than {len(self.people)} people",
                "set the option people to a larger number",
            )
        self.people[start : start + len(new)] = new
        return (identity[:, None] == self.people).int().argmax(dim=1)


class _Reversal(torch.autograd.Function):
    """The identity, whose gradient is multiplied by -λ."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.factor * gradient, None
