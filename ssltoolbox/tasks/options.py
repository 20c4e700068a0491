"""What a recipe may set of the built-in downstream tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ssltoolbox.api import DataFacts, EvaluatorOptions, Options, Problem, Setting, Split

FrozenProtocol = Literal["linear", "knn"]
Protocol = Literal["linear", "knn", "finetune"]


class FineTuneOptions(Options):
    """How a network is fine-tuned; the defaults are those of Shu et al. 2022 on AffectNet."""

    epochs: int = Field(default=20, ge=1)
    """Passes over the training images. The epoch that counts is the best on the val split."""

    batch_size: int = Field(default=64, ge=2)
    """Images of a step."""

    lr: float = Field(default=1e-4, gt=0)
    """Adam's learning rate at the first step; it falls to 0 along a cosine."""

    weight_decay: float = Field(default=5e-4, ge=0)
    """Adam's L2 penalty."""

    hidden: tuple[Annotated[int, Field(ge=1)], ...] = (1024, 512)
    """Widths of the head's hidden layers."""

    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of each hidden layer that is dropped at a step."""

    augment: bool = True
    """Whether training images are augmented as the recipe's views do side A, landmark masks apart. Val and test
    images never are."""


class ProbeOptions(EvaluatorOptions):
    """What all tasks on frozen features share."""

    labels: ClassVar[tuple[str, ...]] = ()
    """The labels that the task needs of the data."""

    splits: ClassVar[tuple[Split, ...]] = ("train", "val", "test")

    protocol: FrozenProtocol = "linear"
    """`linear` trains a linear model on the features; `knn` lets the nearest training frames vote. The linear
    protocol reports the neighbours' numbers as well."""

    k: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(5, 20, 100), min_length=1)
    """Numbers of neighbours to try; the val split chooses."""

    def also_needs(self) -> frozenset[str]:
        return frozenset(f"label:{label}" for label in self.labels)

    def split_problems(self, facts: Mapping[Split, DataFacts]) -> Iterable[Problem]:
        for split, found in facts.items():
            for label in self.labels:
                known = found.label_facts.get(label)
                if known and not known.frames:
                    yield Problem("", f"no frame of the {split} split has the label {label!r}")


class LabelOptions(ProbeOptions):
    """What tasks share whose labels a network can be fine-tuned on."""

    protocol: Protocol = "linear"  # type: ignore[assignment]
    """`linear` trains a linear model on the frozen features; `knn` lets the nearest training frames vote;
    `finetune` trains the whole network with a head. The linear protocol reports the neighbours' numbers as
    well."""

    finetune: FineTuneOptions = FineTuneOptions()
    """Settings of the protocol `finetune`."""

    def problems(self, setting: Setting) -> Iterable[Problem]:
        tunes = self.protocol == "finetune"
        idle = {"k": tunes, "finetune": not tunes}
        for option, is_idle in idle.items():
            if is_idle and getattr(self, option) != type(self).model_fields[option].default:
                yield Problem(option, f"the protocol {self.protocol!r} has no use for it", "take it out")


class ExpressionOptions(LabelOptions):
    """Options of `expression`."""

    labels = ("expression",)

    def split_problems(self, facts: Mapping[Split, DataFacts]) -> Iterable[Problem]:
        yield from super().split_problems(facts)
        for split, found in facts.items():
            known = found.label_facts.get("expression")
            if known and known.frames and sum(count > 0 for count in known.counts) == 1:
                message = f"all labelled frames of the {split} split show the same expression"
                yield Problem("", f"{message}: there is nothing to tell apart", warning=split != "train")

    balanced: bool = True
    """Whether every class counts the same, however rare it is: class weights in a linear model, the balanced
    softmax (Ren et al. 2020) in fine-tuning."""


class ClassificationOptions(ProbeOptions):
    """Options of `classification`."""

    label: str = "expression"
    """The label, as the data names it. The result has its name."""

    balanced: bool = True
    """Whether every class counts the same, however rare it is."""

    def also_needs(self) -> frozenset[str]:
        return frozenset({f"label:{self.label}"})

    def split_problems(self, facts: Mapping[Split, DataFacts]) -> Iterable[Problem]:
        for split, found in facts.items():
            known = found.label_facts.get(self.label)
            if known and not known.frames:
                yield Problem("label", f"no frame of the {split} split has the label {self.label!r}")
            elif known and known.lowest is not None:
                yield Problem("label", f"{self.label!r} has numbers, and no classes")
            elif known and split == "train" and sum(count > 0 for count in known.counts) == 1:
                yield Problem(
                    "label", f"the train split has one class of {self.label!r}: nothing to tell apart"
                )


class ValenceArousalOptions(LabelOptions):
    """Options of `valence_arousal`."""

    labels = ("valence", "arousal")

    def split_problems(self, facts: Mapping[Split, DataFacts]) -> Iterable[Problem]:
        yield from super().split_problems(facts)
        for split, found in facts.items():
            for label in self.labels:
                known = found.label_facts.get(label)
                if known and known.lowest is not None and known.highest is not None:
                    for value in (known.lowest, known.highest):
                        if abs(value) > 1:
                            yield Problem(
                                "",
                                f"the {split} split has frames with {label} {value:g}",
                                "values lie between -1 and 1; NaN, or an empty cell of a table, means none",
                            )


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
