"""Supervised learning of a label: what the same network reaches with labels, evaluated alike."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ssltoolbox.api import MethodContext, StepInputs, StepOutput, UserError
from ssltoolbox.methods.plugin import SupervisedOptions


class Supervised(nn.Module):
    """A linear classifier on the features of side A, trained together with the backbone; side B is not looked at.

    Frames without the label (-1) have no part in the loss.

    Raises:
        UserError: where the number of classes of the label is not known.
    """

    def __init__(self, options: SupervisedOptions, context: MethodContext) -> None:
        super().__init__()
        self.backbone = context.backbone
        classes = options.classes_of(context.data)
        if classes is None:
            raise UserError(
                f"the number of classes of {options.label!r} is not known", "set the option classes"
            )
        self.classifier = nn.Linear(context.feature_dim, classes)
        self._label = options.label

    def step(self, inputs: StepInputs) -> StepOutput:
        """[M, 3, S, S] → the mean cross-entropy of the labelled rows; 0 without any."""
        features = self.backbone(inputs.view_a)
        logits = self.classifier(features)
        labels = inputs.rows.labels[self._label][: len(inputs.view_a)]
        labelled = labels >= 0
        count = labelled.sum().clamp(min=1)
        loss = F.cross_entropy(logits, labels, ignore_index=-1, reduction="sum") / count
        with torch.no_grad():
            accuracy = (logits.argmax(dim=1) == labels).sum() / count
        terms = {"train_accuracy": accuracy, "labelled_share": labelled.float().mean()}
        return StepOutput(loss, terms, embeddings=features)
