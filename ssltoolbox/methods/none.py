"""The method `none`: no training; the backbone is evaluated with random or given weights."""

from __future__ import annotations

from torch import nn

from ssltoolbox.api import MethodContext, Options, StepInputs, StepOutput, UserError


class NoTraining(nn.Module):
    """Has the backbone, so that it is saved and evaluated like a trained one."""

    def __init__(self, options: Options, context: MethodContext) -> None:
        super().__init__()
        self.backbone = context.backbone

    def step(self, inputs: StepInputs) -> StepOutput:
        """
        Raises:
            UserError: always.
        """
        raise UserError("the method 'none' doesn't train")
