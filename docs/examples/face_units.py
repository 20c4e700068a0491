"""Faces with the labels of 12 action units, and a task that measures how well features tell them."""

from dataclasses import replace

import numpy as np
import torch
from pydantic import Field
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ssltoolbox.api import (
    EXPRESSIONS,
    DatasetOptions,
    Descriptor,
    EvaluatorDescriptor,
    EvaluatorOptions,
    Metric,
    NamedDataset,
    UserError,
    hookimpl,
)

UNITS = (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26)
"""The action units of DISFA, in its order."""
OF_EXPRESSION = {
    "happy": {6, 12, 25},
    "sad": {1, 4, 15, 17},
    "surprise": {1, 2, 5, 25, 26},
    "fear": {1, 2, 4, 5, 20, 25},
    "disgust": {9, 15, 17},
    "anger": {4, 5, 17},
    "contempt": {12},
}
ACTIVE = torch.tensor(
    [[unit in OF_EXPRESSION.get(name, ()) for unit in UNITS] for name in EXPRESSIONS]
).long()
"""[expressions, units] 1 where an expression shows a unit."""


class FaceUnitsOptions(DatasetOptions):
    """Which faces get the labels."""

    dataset: NamedDataset
    """A dataset with the label `expression`, in the order of `ssltoolbox.api.EXPRESSIONS`."""

    def facts(self, split="train"):
        known = self.dataset.facts(split)
        return replace(known, labels=known.labels | {"units"})


class FaceUnits:
    """Adds the label `units`, [B, 12]: 1 if the unit is active, 0 if not, -1 if nobody knows."""

    def __init__(self, options, split):
        self.inner = options.dataset.open(split)
        self.size = self.inner.size

    def __len__(self):
        return len(self.inner)

    def clip(self, index):
        return self.inner.clip(index)

    def read(self, clips, frames):
        found = self.inner.read(clips, frames)
        expression = found.labels["expression"]
        units = ACTIVE[expression].where(expression[:, None] >= 0, -1)
        return replace(found, labels={**found.labels, "units": units})


class ActionUnitsOptions(EvaluatorOptions):
    """The settings of the probe."""

    splits = ("train", "val", "test")

    penalties: tuple[float, ...] = Field(default=(1.0, 0.1, 0.01), min_length=1)
    """Weights of the squared norm beside the mean loss; the best on the val split is used."""


class ActionUnits:
    """The F1 of a ridge classifier on frozen features, for each unit."""

    def __init__(self, options):
        self.options = options

    def evaluate(self, features):
        for split in ActionUnitsOptions.splits:
            if "units" not in features[split].labels:
                raise UserError(
                    f"action_units: the {split} split has no label 'units'", "use data that has it"
                )
        scores = {f"AU{unit}": self.score(features, column) for column, unit in enumerate(UNITS)}
        known = {name: score for name, score in scores.items() if score is not None}
        if not known:
            raise UserError(
                "action_units: no unit is both active and inactive in each split", "use more data"
            )
        return {
            "action_units": {
                "f1": float(np.mean(list(known.values()))),
                "per_unit": known,
                "protocol": "linear",
            }
        }

    def score(self, features, column):
        """F1 on test with the regulariser that is best on val; None where a split shows one class only."""
        values, truth = {}, {}
        for split, found in features.items():
            known = found.labels["units"][:, column] >= 0
            values[split], truth[split] = found.values[known], found.labels["units"][known, column]
            if len(np.unique(truth[split])) < 2:
                return None
        probes = [self.probe(values["train"], truth["train"], penalty) for penalty in self.options.penalties]
        best = max(probes, key=lambda probe: f1_score(truth["val"], probe.predict(values["val"])))
        return float(f1_score(truth["test"], best.predict(values["test"])))

    @staticmethod
    def probe(values, truth, penalty):
        model = RidgeClassifier(alpha=penalty * len(values), class_weight="balanced")
        return make_pipeline(StandardScaler(), model).fit(values, truth)


@hookimpl
def ssltoolbox_datasets():
    yield Descriptor(
        name="face_units",
        summary="Adds the labels of 12 action units to faces with expressions.",
        options=FaceUnitsOptions,
        target=f"{__name__}:FaceUnits",
        api=2,
    )


@hookimpl
def ssltoolbox_evaluators():
    yield EvaluatorDescriptor(
        name="action_units",
        summary="Mean F1 of 12 action units by a ridge classifier.",
        options=ActionUnitsOptions,
        target=f"{__name__}:ActionUnits",
        needs=frozenset({"label:units"}),
        metrics=(Metric(key="f1", better="higher", label="mean F1", phrase="tell action units with"),),
        api=2,
    )
