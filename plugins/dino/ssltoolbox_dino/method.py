"""DINO on lightly's head and loss."""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F
from lightly.loss import DINOLoss
from lightly.models.modules.heads import DINOProjectionHead
from torch import Tensor, nn

from ssltoolbox.api import MethodContext, StepInputs, StepOutput
from ssltoolbox.models import Momentum, features_of_crops
from ssltoolbox_dino import DINOOptions


class DINO(nn.Module):
    """The student sees both views and the local crops; it predicts what the teacher gives for the other view."""

    def __init__(self, options: DINOOptions, context: MethodContext) -> None:
        super().__init__()
        self.backbone = context.backbone
        self.head = _head(options, context.feature_dim)
        self._teacher = Momentum(
            self.backbone, self.head, momentum=options.momentum, final=1.0, steps=context.steps
        )
        self.teacher_backbone, self.teacher_head = self._teacher.copies
        self.loss = DINOLoss(
            options.output_dim,
            options.warmup_teacher_temperature,
            options.teacher_temperature,
            options.warmup_teacher_epochs,
            options.student_temperature,
            options.center_momentum,
        )
        self._frozen_epochs = options.frozen_epochs
        self._steps_per_epoch = max(1, context.steps_per_epoch)

    def before_step(self, step: int) -> None:
        """Updates the teacher; its momentum rises to 1."""
        self._teacher.update(step)

    def step(self, inputs: StepInputs) -> StepOutput:
        """[M, 3, S, S] twice and local crops → the cross-entropy of the student's and the teacher's softmax.

        The softmax and the cross-entropy are computed in single precision, the outputs that they take in the
        precision of the run. The loss updates the centre, over all ranks.
        """
        count = len(inputs.view_a)
        embeddings = self.head.layers(features_of_crops(self.backbone, (*inputs.views, *inputs.crops)))
        student = self.head.last_layer(F.normalize(embeddings, dim=1)).float().split(count)
        taught = self._taught(inputs)
        with torch.autocast(inputs.view_a.device.type, enabled=False):
            loss = self.loss(taught, list(student), epoch=self._epoch(inputs.step))
        return StepOutput(loss, embeddings=embeddings[:count], pairs=embeddings[count : 2 * count])

    def after_backward(self, step: int) -> None:
        """Freezes the head's last layer in the first epochs."""
        if self._epoch(step) < self._frozen_epochs:
            for parameter in self.head.last_layer.parameters():
                parameter.grad = None

    @torch.no_grad()
    def _taught(self, inputs: StepInputs) -> list[Tensor]:
        """The teacher's outputs, [M, output_dim] for each of the two views, cast to float32."""
        outputs: Tensor = self.teacher_head(features_of_crops(self.teacher_backbone, inputs.views))
        return list(outputs.float().split(len(inputs.view_a)))

    def _epoch(self, step: int) -> int:
        return step // self._steps_per_epoch


def _head(options: DINOOptions, feature_dim: int) -> DINOProjectionHead:
    with warnings.catch_warnings():
        # lightly's head uses torch's older function for weight norm.
        warnings.filterwarnings("ignore", ".*weight_norm", FutureWarning)
        return DINOProjectionHead(
            feature_dim,
            options.hidden_dim,
            options.bottleneck_dim,
            options.output_dim,
            batch_norm=options.batch_norm,
            norm_last_layer=options.unit_last_layer,
        )
