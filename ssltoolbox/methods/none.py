"""No training: what a backbone knows before any, random or with weights."""

from __future__ import annotations

from torch import nn

from ssltoolbox.api import MethodContext, Options, StepInputs, StepOutput, UserError


class NoTraining(nn.Module):
    """Holds the backbone, so that it is saved and evaluated like a trained one."""

    def __init__(self, options: Options, context: MethodContext) -> None:
        super().__init__()
        self.backbone = context.backbone

    def before_step(self, step: int) -> None:
        """There are no steps."""

    def step(self, inputs: StepInputs) -> StepOutput:
        """
        Raises:
            UserError: always.
        """
        raise UserError("the method 'none' doesn't train")
