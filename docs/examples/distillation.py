"""Self-distillation in one file, after DINO (Caron et al., ICCV 2021); the toolbox's own method is `dino`."""

import torch
from lightly.loss import DINOLoss
from lightly.models.modules import DINOProjectionHead
from pydantic import Field
from torch import nn

from ssltoolbox.api import MethodDescriptor, Options, StepOutput, hookimpl
from ssltoolbox.models import Momentum


class DistillationOptions(Options):
    """Settings of the distillation; the defaults are the paper's."""

    hidden_dim: int = Field(default=2048, ge=1)
    """Width of the hidden layers of the head."""
    output_dim: int = Field(default=65536, ge=2)
    """Number of prototypes."""
    momentum: float = Field(default=0.996, ge=0, le=1)
    """How much of its weights the teacher keeps at the first step; it rises to 1 along a cosine."""
    frozen_epochs: int = Field(default=1, ge=0)
    """Epochs in which the last layer of the head is not trained."""


class Distillation(nn.Module):
    """The student sees both views and the local crops, and predicts what the teacher says of the two views."""

    def __init__(self, options, context):
        super().__init__()
        self.options, self.context = options, context
        self.backbone = context.backbone
        self.head = DINOProjectionHead(context.feature_dim, options.hidden_dim, 256, options.output_dim)
        self.teacher = Momentum(
            self.backbone, self.head, momentum=options.momentum, final=1.0, steps=context.steps
        )
        self.teacher_backbone, self.teacher_head = self.teacher.copies
        self.loss = DINOLoss(options.output_dim)

    def before_step(self, step):
        self.teacher.update(step)

    def step(self, inputs):
        student = [self.head(self.backbone(view)) for view in (*inputs.views, *inputs.crops)]
        with torch.no_grad():
            teacher = [self.teacher_head(self.teacher_backbone(view)) for view in inputs.views]
        loss = self.loss(teacher, student, epoch=inputs.step // max(1, self.context.steps_per_epoch))
        return StepOutput(loss, embeddings=student[0], pairs=student[1])

    def after_backward(self, step):
        if step < self.options.frozen_epochs * self.context.steps_per_epoch:
            for parameter in self.head.last_layer.parameters():
                parameter.grad = None


@hookimpl
def ssltoolbox_methods():
    yield MethodDescriptor(
        name="distillation",
        summary="A student matches a momentum teacher, from local crops too (Caron et al. 2021).",
        options=DistillationOptions,
        target=f"{__name__}:Distillation",
        negatives=None,
        inputs=frozenset({"view_b", "crops"}),
        api=2,
    )
