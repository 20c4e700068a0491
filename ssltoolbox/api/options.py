"""Options: the settings of a component that a recipe may change, and their checks."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ssltoolbox.api.datasets import Split
from ssltoolbox.api.errors import Problem


@dataclass(frozen=True)
class LabelFacts:
    """Facts of a label in a split that are known without loading it.

    Attributes:
        frames: the number of frames that have the label.
        counts: for a class label, the number of frames of each class, in the order of `DataFacts.classes`; for a
            label with several yes-or-no columns, the number of frames with yes in each column.
        lowest: the least value of a label that is a number.
        highest: its greatest value.
        columns: C, the number of columns of a label with several columns; else 0.
    """

    frames: int
    counts: tuple[int, ...] = ()
    lowest: float | None = None
    highest: float | None = None
    columns: int = 0


@dataclass(frozen=True)
class DataFacts:
    """Facts of a split of a dataset that are known without loading it.

    Attributes:
        clips: number of clips.
        identities: number of identities.
        frames: number of frames.
        fps: frames per second.
        size: height and width of the frames in pixels, as the dataset gives them.
        shortest: frames of the shortest clip.
        longest: frames of the longest clip.
        landmarks: True if frames come with the 68 landmarks.
        labels: names of the labels.
        label_facts: label → its facts, if they are known without loading.
        pairs: True if the test split has a list of pairs to verify; see `PairedDataset`.
        loading: approximate seconds that one core needs to load a frame. Without a GPU, `trainer.workers: auto`
            uses it to share the cores between loading and the network.
        note: one sentence that readers of results on this data must know.
        terms: one sentence that users of a network trained on this data must know; may be empty.
        landmark_detector: name of the detector that found the landmarks; empty if the landmarks belong to the
            data, None if the detector is not known.
        classes: label → the names of its classes, such as `{"expression": ("neutral", …)}`, or the names of its
            columns. Labels without names are missing.
        max_frames: split → the largest number of frames that downstream tasks use, unless a recipe says
            otherwise. Of other splits, they use all frames.
        left_out: things in the folder of the data that are not used, with their number, for a warning:
            `{"run folder": 2}`.
        warnings: what users should know about the data before a run, each a sentence without a full stop.
    """

    clips: int
    identities: int
    frames: int
    fps: float
    size: int
    shortest: int
    longest: int
    landmarks: bool = False
    labels: frozenset[str] = frozenset()
    pairs: bool = False
    loading: float = 1e-3
    note: str = ""
    terms: str = "The terms of the training data apply; some allow research only."
    landmark_detector: str | None = None
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    max_frames: Mapping[Split, int] = field(default_factory=dict, hash=False)
    label_facts: Mapping[str, LabelFacts] = field(default_factory=dict, hash=False)
    left_out: Mapping[str, int] = field(default_factory=dict, hash=False)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """Facts of the rest of the recipe, to check a component's options against.

    Attributes:
        data: facts of the data; None if the data could not be found.
        instances: instances that are compared with each other, M over all ranks (batch size / accumulation).
        draws: draws among them, N over all ranks.
        hard_negatives: hard negatives of each draw, K.
        backbone: the name of the network, such as `resnet50`.
        image_size: height and width of the network's input images, in pixels.
        crop_size: height and width of the local crops, in pixels; 0 without crops.
        steps: optimiser steps of the run; 0 if the data could not be found.
        steps_per_epoch: optimiser steps of an epoch; 0 if the data could not be found.
        temperature: the method's option `temperature`; None if the method has no such option.
        norm_instances: instances that share the statistics of a batch norm; 0 if not known before the run.
    """

    data: DataFacts | None
    instances: int
    draws: int
    hard_negatives: int
    backbone: str = ""
    image_size: int = 0
    crop_size: int = 0
    steps: int = 0
    steps_per_epoch: int = 0
    temperature: float | None = None
    norm_instances: int = 0

    @property
    def epochs(self) -> float:
        """Epochs of the run; infinite if the data could not be found."""
        return self.steps / self.steps_per_epoch if self.steps_per_epoch else float("inf")

    def queue_problems(self, option: str, length: int, thing: str) -> Iterator[Problem]:
        """A problem if the length of a queue is not divisible by `instances`.

        Args:
            option: the name of the option with the length.
            length: of the queue, in rows.
            thing: what the queue is called in the message.

        >>> setting = Setting(None, instances=64, draws=64, hard_negatives=0)
        >>> next(setting.queue_problems("queue", 100, "queue")).hint
        'write queue: 128'
        """
        if length % self.instances:
            nearest = max(1, round(length / self.instances)) * self.instances
            yield Problem(
                option,
                f"a {thing} of {length} is not divisible by the {self.instances} instances "
                "that are compared at once",
                f"write {option}: {nearest}",
            )

    def warmup_problems(self, warmup_steps: int, effect: str) -> Iterator[Problem]:
        """A warning at the option `warmup_steps` if the warm-up is as long as the run, or longer.

        Args:
            warmup_steps: the value of the option.
            effect: the effect on such a run, such as `nothing is masked`.

        >>> setting = Setting(None, instances=64, draws=64, hard_negatives=0, steps=10)
        >>> next(setting.warmup_problems(10, "nothing is masked")).message
        'the run has only 10 steps, so that nothing is masked'
        """
        if warmup_steps >= self.steps > 0:
            yield Problem(
                "warmup_steps",
                f"the run has only {self.steps} steps, so that {effect}",
                "use a shorter warm-up",
                warning=True,
            )


class Options(BaseModel):
    """The base class of a component's options. Unknown keys are errors, types are strict, values are frozen.

    Give every option a type, a default if there is a sensible one, and a docstring below it. `ssltoolbox plugins
    show` prints the docstring, and editors show it.

    Examples:
        >>> class MirrorOptions(Options):
        ...     p: float = 0.5
        ...     '''Probability that the positive is mirrored.'''
        >>> MirrorOptions(p=0.8).p
        0.8
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
    )

    def problems(self, setting: Setting) -> Iterable[Problem]:
        """Problems of these options in this setting. Called before a run begins. By default, there are none."""
        return ()

    def also_needs(self) -> frozenset[str]:
        """What the component needs with these options, in addition to `Descriptor.needs`; see `Need`.

        Examples:
            >>> class SupervisedOptions(Options):
            ...     label: str = "au12"
            ...     '''The label to learn.'''
            ...     def also_needs(self):
            ...         return frozenset({f"label:{self.label}"})
            >>> sorted(SupervisedOptions(label="smiles").also_needs())
            ['label:smiles']
        """
        return frozenset()

    def notices(self) -> Iterable[str]:
        """Lines that users of the component with these options must know, such as the licence of weights, in
        addition to `Descriptor.notice`."""
        return ()


class DatasetOptions(Options):
    """The base class of a dataset's options."""

    def facts(self, split: Split = "train") -> DataFacts:
        """Facts of a split, found without torch and in well under a second.

        If these options leave a split empty, its facts have 0 clips; that is no error. A `facts()` without the
        argument gives facts of the training split. Then `check` can't find problems of val and test for tasks.

        Raises:
            DataNotFound: if the data does not exist.
            UserError: if it exists but can't be used.
        """
        raise NotImplementedError(f"{type(self).__name__} must define facts()")

    def per_fold(self) -> Sequence[DatasetOptions]:
        """The options of each fold of the data. Downstream tasks run on each fold, and their results are averaged.

        By default, these options are the only fold.
        """
        return (self,)


def facts_of(options: DatasetOptions, split: Split) -> DataFacts | None:
    """The facts of a split; None if the options' `facts()` takes no argument and the split is not train.

    Raises:
        DataNotFound, UserError: see `DatasetOptions.facts`.
    """
    if inspect.signature(options.facts).parameters:
        return options.facts(split)
    return options.facts() if split == "train" else None


class ViewOptions(Options):
    """The base class of a view's options."""

    size: int = Field(default=112, ge=8, le=1024)
    """Height and width of the images that the backbone sees, in pixels."""


class CropOptions(ViewOptions):
    """The base class of the options of a view that makes local crops; see `CroppingView`."""

    crops: int = Field(default=0, ge=0, le=32)
    """Local crops of each instance, for methods that use them (multi-crop)."""

    crop_size: int = Field(default=48, ge=8, le=1024)
    """Height and width of the local crops in pixels."""


def _named(data: Any) -> Any:
    return {"name": data} if isinstance(data, str) else data


class EvaluatorOptions(Options):
    """The base class of a downstream task's options."""

    splits: ClassVar[tuple[Split, ...]] = ()
    """The splits of the data that the task requires. `check` and `train` report missing ones."""

    data: Annotated[
        dict[str, Any] | None, BeforeValidator(_named, json_schema_input_type=str | dict[str, Any] | None)
    ] = None
    """Data of the task, such as `{name: affectnet, root: …}`, as in the section `data` of a recipe; null for
    the data of the recipe."""

    max_frames: dict[Split, Annotated[int, Field(ge=1)]] | None = None
    """Largest number of frames of a split that the task uses, such as `{train: 4000}`. They are spread evenly
    over the clips. For other splits all frames are used. Null uses the limits that the data proposes, which are
    usually none."""

    def split_problems(self, facts: Mapping[Split, DataFacts]) -> Iterable[Problem]:
        """Problems of the data's splits for this task. Called before a run begins. By default, there are none.

        Args:
            facts: facts of each split in `splits`; each of them has clips.
        """
        return ()


class AuxiliaryLossOptions(Options):
    """The base class of an auxiliary loss's options."""

    weight: float = Field(default=1.0, gt=0)
    """Weight of the loss in the sum with the method's loss."""


class NegativeSamplerOptions(Options):
    """The base class of a negative sampler's options."""

    count: int = Field(default=1, ge=1, le=16)
    """Number of hard negatives for each sample. Each hard negative has its own positive and is a pair too."""

    weight: float = Field(default=1.0, gt=0)
    """Weight of a hard negative in the loss: it counts as this many ordinary negatives, for rows of the
    other side."""
