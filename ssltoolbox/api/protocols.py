"""The contracts of the eight kinds. A target is called with its options, as parsed: `Target(options)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

from ssltoolbox.api.options import Options

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor, nn

    from ssltoolbox.api.tensors import Batch, Clip, Features, Frames, Pairs, Rows, StepOutput

Side = Literal["a", "b"]
Split = Literal["train", "val", "test"]
OptionsT = TypeVar("OptionsT", bound=Options)


class PositiveGenerator(Generic[OptionsT]):
    """A strategy that makes the positive of an instance, by choosing another frame, changing pixels, or both.

    Generators act in the order of the recipe, each on what the one before it made.
    """

    def __init__(self, options: OptionsT) -> None:
        self.options = options

    def pick(self, clip: Clip, frame: int, rng: np.random.Generator) -> int | None:
        """The positive's frame for the instance at `frame`, or None where there is none.

        Runs on the loader's workers. The answer may depend on the arguments alone.
        """
        return frame

    def render(self, batch: Batch) -> Batch:
        """The batch with the pixels of its positives (and their landmarks) changed.

        Runs on the device, on the whole batch, with torch's global generator. Must not change its input.
        """
        return batch


class NegativeSampler(Generic[OptionsT]):
    """A strategy that draws hard negatives for an anchor from the anchor's own clip."""

    def __init__(self, options: OptionsT) -> None:
        self.options = options

    def pick(self, clip: Clip, anchor: int, rng: np.random.Generator) -> list[int]:
        """`options.count` frames of the clip; fewer mean that the anchor has no answer.

        Runs on the loader's workers. The answer may depend on the arguments alone.
        """
        raise NotImplementedError


class NegativeMasker(Generic[OptionsT]):
    """A strategy that tells which candidates are false negatives.

    `attract` is the weight of the second term of the loss, which draws a row to what was masked for it;
    0 only takes what was masked out of the denominator.
    """

    attract: float = 0.0

    def __init__(self, options: OptionsT) -> None:
        self.options = options

    def describe(self, batch: Batch) -> Tensor:
        """[N·R, F] descriptors of the frames as drawn, draw-major; NaN rows where there is no opinion.

        Runs on the device without gradient, before `render`.
        """
        raise NotImplementedError

    def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
        """[A, C] bool: True where candidate c is a false negative for anchor a.

        `eligible` [A, C] says which pairs may be masked; what lies outside of it is ignored.
        """
        raise NotImplementedError


@runtime_checkable
class View(Protocol):
    """An augmentation pipeline on the device, in batch."""

    def augment(self, images: Tensor, landmarks: Tensor, side: Side) -> Tensor:
        """[B, 3, S, S] uint8 and [B, 68, 2] pixels → [B, 3, size, size] float, normalised, augmented."""
        ...

    def plain(self, images: Tensor) -> Tensor:
        """[B, 3, S, S] uint8 → [B, 3, size, size] float, normalised, without augmentation, for evaluation."""
        ...


@runtime_checkable
class Dataset(Protocol):
    """A source of clips. The target is called as `Target(options, split)`.

    It is copied to every loader worker: keep it small, and open files when they are read.
    """

    size: int
    """Height and width of its images in pixels."""

    def __len__(self) -> int:
        """The number of clips in the split."""
        ...

    def clip(self, index: int) -> Clip:
        """The clip of that number."""
        ...

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        """The images at those places, in that order; the same arguments give the same bytes."""
        ...


@runtime_checkable
class PairedDataset(Dataset, Protocol):
    """A dataset that comes with a list of pairs to verify; its options' facts say so (`DataFacts.pairs`)."""

    def pairs(self) -> Pairs:
        """The pairs of the split."""
        ...


class Maskers(Protocol):
    """The recipe's maskers as one. False where it has none."""

    def __bool__(self) -> bool: ...

    def mask(self, anchors: Rows, candidates: Rows) -> Masking:
        """What the maskers together say of these pairs; who is eligible is decided here."""
        ...


class Masking(Protocol):
    """What the maskers say: `masked` [A, C] bool, the attraction's weight, and scalars for the log."""

    @property
    def masked(self) -> Tensor: ...
    @property
    def attract(self) -> float: ...
    @property
    def parts(self) -> Mapping[str, Tensor]: ...


@dataclass(frozen=True)
class MethodContext:
    """What the engine gives to a method when it is built.

    Attributes:
        backbone: the trainable backbone, [B, 3, S, S] → [B, feature_dim].
        feature_dim: the size of its features.
        descriptor_dim: F, the size of the maskers' descriptors together.
        maskers: the recipe's maskers, united.
        instances: M over all ranks; a queue's length is divisible by it.
        steps: optimiser steps of the whole run, for schedules.
        distributed: True with more than one rank: gather negatives.
    """

    backbone: nn.Module
    feature_dim: int
    descriptor_dim: int
    maskers: Maskers
    instances: int
    steps: int
    distributed: bool


class Method(Protocol):
    """A method of self-supervised learning: an `nn.Module`, called as `Target(options, context)`."""

    backbone: nn.Module

    def before_step(self, step: int) -> None:
        """Called once before each optimiser step, not each micro-batch: momentum networks follow here."""
        ...

    def step(self, view_a: Tensor, view_b: Tensor, rows: Rows) -> StepOutput:
        """The loss of a micro-batch.

        Args:
            view_a, view_b: [M, 3, size, size] of this rank; row i of both is a pair.
            rows: 2M rows, side A then side B.
        """
        ...


@runtime_checkable
class LandmarkDetector(Protocol):
    """Finds the 68 iBUG landmarks of a face in an image. Made once per process; need not be picklable."""

    def detect(self, image: np.ndarray) -> np.ndarray | None:
        """[H, W, 3] uint8 RGB → [68, 2] float32 pixels, or None where there is no face.

        The largest face where there are several. Whole numbers are the centres of pixels.
        """
        ...


@runtime_checkable
class MultiFaceDetector(LandmarkDetector, Protocol):
    """A landmark detector that can find several faces in one image.

    `ssltoolbox data extract` follows each of them; with a plain `LandmarkDetector` it follows one.
    """

    def faces(self, image: np.ndarray) -> Sequence[np.ndarray]:
        """[H, W, 3] uint8 RGB → [68, 2] float32 pixels of each face, the largest first."""
        ...


@runtime_checkable
class Evaluator(Protocol):
    """A downstream task on features that were computed once, with a frozen backbone."""

    def evaluate(self, features: Mapping[Split, Features]) -> Mapping[str, Mapping[str, Any]]:
        """Results as in `evaluation.json`: `{"valence": {"ccc": .5}, "arousal": …}`, fractions in 0 to 1.

        Choices (an epoch, a regulariser) are made on `features["val"]`, never on `features["test"]`.

        Raises:
            UserError: where the features lack a label that the task needs.
        """
        ...


@dataclass(frozen=True)
class EvaluationContext:
    """What the engine gives to a task that needs more than frozen features.

    Attributes:
        backbone: the network, [B, 3, size, size] → [B, feature_dim]; a copy, which the task may train.
        feature_dim: the size of its features.
        view: `augment` for images to train on, `plain` for images to look at.
        datasets: the splits of the task's data.
        places: split → clip and frame numbers, [n] each, of the frames that a task should look at.
        read: (dataset, clips, frames, batch size) → the images in that order, batch by batch, on the loader's
            workers.
        features: (dataset, clips, frames) → the features of those images in that order, without the unreadable
            ones, with the backbone frozen as it was when the task began.
        device: where the backbone is.
        seed: the recipe's.
    """

    backbone: nn.Module
    feature_dim: int
    view: View
    datasets: Mapping[Split, Dataset]
    places: Callable[[Split], tuple[np.ndarray, np.ndarray]]
    read: Callable[[Dataset, np.ndarray, np.ndarray, int], Iterator[Frames]]
    features: Callable[[Dataset, np.ndarray, np.ndarray], Features]
    device: torch.device
    seed: int


@runtime_checkable
class NetworkEvaluator(Protocol):
    """A downstream task that may need the network itself, to train it or to show it images of its own choice."""

    @property
    def needs_network(self) -> bool:
        """False: with these options the task is asked as an `Evaluator`."""
        ...

    def evaluate_network(self, context: EvaluationContext) -> Mapping[str, Mapping[str, Any]]:
        """Results as those of `Evaluator.evaluate`, under the same rules.

        Raises:
            UserError: where the data lacks what the task needs.
        """
        ...
