"""Options of the built-in downstream tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from ssltoolbox.api import (
    DataFacts,
    EvaluatorOptions,
    LabelFacts,
    OptionError,
    Options,
    Problem,
    Setting,
    Split,
)

FrozenProtocol = Literal["linear", "knn"]
Protocol = Literal["linear", "knn", "finetune"]
ClassProtocol = Literal["linear", "linear_sgd", "knn", "finetune"]


class FineTuneOptions(Options):
    """How a network is fine-tuned; the defaults are those of Shu et al. 2022 on AffectNet."""

    epochs: int = Field(default=20, ge=1)
    """Passes over the training images. The weights of the best epoch on the val split are used."""

    batch_size: int = Field(default=64, ge=2)
    """Images in a step."""

    lr: float = Field(default=1e-4, gt=0)
    """Adam's learning rate at the first step; it falls to 0 along a cosine."""

    weight_decay: float = Field(default=5e-4, ge=0)
    """Adam's L2 penalty."""

    hidden: tuple[Annotated[int, Field(ge=1)], ...] = (1024, 512)
    """Widths of the head's hidden layers."""

    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Dropout probability of the hidden layers."""

    augment: bool = True
    """Whether training images are augmented like side A in the recipe's views, without landmark masks. Val and
    test images are never augmented."""


class LinearSgdOptions(Options):
    """How a linear layer is trained by SGD. The defaults are those of MoCo (He et al. 2020), except for the
    crops."""

    epochs: int = Field(default=100, ge=1)
    """Passes over the training images; CycleFace's published code has 300."""

    batch_size: int = Field(default=256, ge=1)
    """Images in a step."""

    lr: tuple[Annotated[float, Field(gt=0)], ...] = Field(default=(30.0, 3.0, 0.3, 0.03), min_length=1)
    """Learning rates to try; the val split chooses. MoCo and CycleFace have 30, which suits their features."""

    decay_at: tuple[Annotated[float, Field(ge=0, le=1)], ...] = (0.6, 0.8)
    """Shares of the epochs after which the learning rate falls to a tenth: MoCo's epochs 60 and 80 of 100."""

    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Momentum of SGD."""

    weight_decay: float = Field(default=0.0, ge=0)
    """SGD's L2 penalty; CycleFace's published code has 1e-4."""

    augment: Literal["crop_flip", "view", "none"] = "crop_flip"
    """How training images are augmented: by random crops and mirroring, as in published protocols; like side A
    in the recipe's views, without landmark masks; or not at all, so that features are computed once. Val and
    test images are never augmented."""

    crop: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]] = (0.8, 1.0)
    """Shares of an image's area that a random crop keeps, at least and at most. CycleFace's crops begin at 0.8;
    MoCo's, of objects, at 0.08."""

    balanced: bool = False
    """Whether every class has the same weight, by the balanced softmax (Ren et al. 2020). Published protocols
    use plain cross-entropy."""

    @model_validator(mode="after")
    def _crop_in_order(self) -> LinearSgdOptions:
        if self.crop[0] > self.crop[1]:
            raise OptionError("the least share of a crop comes first", options=("crop",))
        return self


class ProbeOptions(EvaluatorOptions):
    """Options of all tasks on frozen features."""

    labels: ClassVar[tuple[str, ...]] = ()
    """The labels that the task needs of the data, if no option `label` names one."""

    splits: ClassVar[tuple[Split, ...]] = ("train", "val", "test")

    protocol: FrozenProtocol = "linear"
    """`linear` trains a linear model on the features. `knn` predicts from the nearest training frames. `linear`
    also reports the numbers of `knn`."""

    k: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(5, 20, 100), min_length=1)
    """Numbers of neighbours to try; the val split chooses."""

    def needed_labels(self) -> tuple[str, ...]:
        """The labels that the task needs with these options."""
        return (getattr(self, self._label_option),) if self._label_option else self.labels

    def also_needs(self) -> frozenset[str]:
        return frozenset(f"label:{label}" for label in self.needed_labels())

    def split_problems(self, facts: Mapping[Split, DataFacts]) -> Iterable[Problem]:
        for split, found in facts.items():
            for label in self.needed_labels():
                known = found.label_facts.get(label)
                if known and known.frames:
                    yield from self._label_problems(label, known, split)
                elif known:
                    message = f"no frame of the {split} split has the label {label!r}"
                    yield Problem(self._label_option, message)

    def _label_problems(self, label: str, known: LabelFacts, split: Split) -> Iterable[Problem]:
        """What is wrong with a label that frames of a split have."""
        return ()

    @property
    def _label_option(self) -> str:
        """The option that names the label; empty where none does."""
        return "label" if "label" in type(self).model_fields else ""


class LabelOptions(ProbeOptions):
    """Options of tasks that can also fine-tune the network."""

    protocol: Protocol = "linear"  # type: ignore[assignment]
    """`linear` trains a linear model on the frozen features. `knn` predicts from the nearest training frames.
    `finetune` trains the whole network with a head. `linear` also reports the numbers of `knn`."""

    finetune: FineTuneOptions = FineTuneOptions()
    """Settings of the protocol `finetune`."""

    @property
    def _idle(self) -> Mapping[str, bool]:
        """Options that only some protocols have a use for → whether this one has none."""
        tunes = self.protocol == "finetune"
        return {"k": tunes, "finetune": not tunes}

    def problems(self, setting: Setting) -> Iterable[Problem]:
        for option, is_idle in self._idle.items():
            if is_idle and getattr(self, option) != type(self).model_fields[option].default:
                yield Problem(option, f"the protocol {self.protocol!r} does not use it", "remove it")


class ClassOptions(LabelOptions):
    """Options of the tasks that predict classes."""

    protocol: ClassProtocol = "linear"  # type: ignore[assignment]
    """`linear` trains a linear model on the frozen features. `linear_sgd` trains a linear layer by SGD on frozen
    features of augmented images, as most published results do. `knn` predicts from the nearest training frames.
    `finetune` trains the whole network with a head. `linear` also reports the numbers of `knn`."""

    linear_sgd: LinearSgdOptions = LinearSgdOptions()
    """Settings of the protocol `linear_sgd`."""

    balanced: bool = True
    """Whether every class has the same weight, even rare classes: by class weights in a linear model, and by
    the balanced softmax (Ren et al. 2020) in fine-tuning. `linear_sgd` has its own option."""

    @property
    def _idle(self) -> Mapping[str, bool]:
        by_sgd = self.protocol == "linear_sgd"
        own = {"k": by_sgd or super()._idle["k"], "linear_sgd": not by_sgd, "balanced": by_sgd}
        return {**super()._idle, **own}

    def _label_problems(self, label: str, known: LabelFacts, split: Split) -> Iterable[Problem]:
        return _class_problems(label, known, split, self._label_option)


def _class_problems(label: str, known: LabelFacts, split: Split, option: str) -> Iterable[Problem]:
    """What is wrong with a label as classes."""
    if known.columns or known.lowest is not None:
        what, task = ("several columns", "multi_label") if known.columns else ("numbers", "regression")
        yield Problem(option, f"{label!r} has {what}, and no classes", f"measure it with {task}")
    elif sum(count > 0 for count in known.counts) == 1:
        message = f"all labelled frames of the {split} split have the same {label}"
        yield Problem(option, f"{message}: there is nothing to tell apart", warning=split != "train")


class ExpressionOptions(ClassOptions):
    """Options of `expression`."""

    labels = ("expression",)


class ClassificationOptions(ClassOptions):
    """Options of `classification`."""

    label: str = "expression"
    """Name of the label in the data. The result has the same name."""


class RegressionOptions(ProbeOptions):
    """Options of `regression`."""

    label: str = "valence"
    """Name of the label in the data; it must be a number. The result has the same name."""

    def _label_problems(self, label: str, known: LabelFacts, split: Split) -> Iterable[Problem]:
        if known.columns or known.lowest is None:
            what = "several columns" if known.columns else "classes"
            hint = (
                "" if known.columns else f"to see which cell is no number, write labels: {{{label}: number}}"
            )
            yield Problem("label", f"{label!r} has {what}, and is not a number", hint)


class MultiLabelOptions(ProbeOptions):
    """Options of `multi_label`."""

    label: str = "aus"
    """Name of the label in the data; it must have several columns of yes and no. The result has the same
    name."""

    balanced: bool = True
    """Whether yes and no have the same weight in each column, even if one is rare."""

    def _label_problems(self, label: str, known: LabelFacts, split: Split) -> Iterable[Problem]:
        if not known.columns or known.lowest is not None:
            hint = f"several columns make one: labels: {{{label}: {{columns: [au1, au2]}}}}"
            yield Problem("label", f"{label!r} has no columns of yes and no", hint)


class ClipExpressionOptions(ProbeOptions):
    """Options of `clip_expression`."""

    label: str = "expression"
    """Name of the label in the data. The class of a clip is the one that most of its labelled frames have."""

    pool: Literal["mean", "max", "mean_std"] = "mean"
    """How the features of a clip are pooled over time: by their mean, their maximum, or their mean and standard
    deviation."""

    balanced: bool = True
    """Whether every class has the same weight, even rare classes."""

    def _label_problems(self, label: str, known: LabelFacts, split: Split) -> Iterable[Problem]:
        return _class_problems(label, known, split, "label")


class ValenceArousalOptions(LabelOptions):
    """Options of `valence_arousal`."""

    labels = ("valence", "arousal")

    def _label_problems(self, label: str, known: LabelFacts, split: Split) -> Iterable[Problem]:
        hint = "values lie between -1 and 1; NaN, or an empty cell of a table, means none"
        for value in (known.lowest, known.highest):
            if value is not None and abs(value) > 1:
                yield Problem("", f"the {split} split has frames with {label} {value:g}", hint)


class IdentityOptions(ProbeOptions):
    """Options of `identity`."""

    splits: ClassVar[tuple[Split, ...]] = ("val", "test")

    def split_problems(self, facts: Mapping[Split, DataFacts]) -> Iterable[Problem]:
        for split, found in facts.items():
            if found.identities < 2:
                yield Problem("", f"the {split} split has a single identity; telling apart takes two")


class VerificationOptions(EvaluatorOptions):
    """Options of `verification`."""

    splits: ClassVar[tuple[Split, ...]] = ("test",)
