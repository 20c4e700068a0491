"""The contracts of the eight kinds. A target is called with its options, as parsed: `Target(options)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
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

    Examples:
        >>> import numpy as np
        >>> from ssltoolbox.api import Clip
        >>> class Next(PositiveGenerator[Options]):
        ...     def pick(self, clip, frame, rng):
        ...         return frame + 1 if frame + 1 < len(clip) else None
        >>> clip = Clip(index=0, identity=0, times=np.arange(5) / 25)
        >>> [Next(Options()).pick(clip, frame, np.random.default_rng(0)) for frame in (0, 4)]
        [1, None]
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
    """A strategy that draws hard negatives for an anchor from the anchor's own clip.

    Examples:
        >>> import numpy as np
        >>> from ssltoolbox.api import Clip, NegativeSamplerOptions
        >>> class Others(NegativeSampler[NegativeSamplerOptions]):
        ...     def pick(self, clip, anchor, rng):
        ...         others = [frame for frame in range(len(clip)) if frame != anchor]
        ...         return rng.permutation(others)[: self.options.count].tolist()
        >>> clip = Clip(index=0, identity=0, times=np.arange(3) / 25)
        >>> sorted(Others(NegativeSamplerOptions(count=2)).pick(clip, 1, np.random.default_rng(0)))
        [0, 2]
    """

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

    Examples:
        >>> import torch
        >>> from ssltoolbox.api import Rows
        >>> class SameLight(NegativeMasker[Options]):
        ...     def describe(self, batch):
        ...         return batch.frames.flatten(0, 1).float().mean(dim=(1, 2, 3))[:, None]
        ...     def mask(self, anchors, candidates, eligible):
        ...         return eligible & (torch.cdist(anchors.descriptor, candidates.descriptor) < 5)
        >>> ids = torch.arange(3)
        >>> rows = Rows(ids, ids, ids, ids.double(), descriptor=torch.tensor([[10.0], [90.0], [12.0]]))
        >>> SameLight(Options()).mask(rows, rows, eligible=ids[:, None] != ids).int().tolist()
        [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
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
    """An augmentation pipeline on the device, in batch.

    Examples:
        >>> import torch
        >>> class Mirror:
        ...     def __init__(self, options):
        ...         self.size = options.size
        ...     def augment(self, images, landmarks, side):
        ...         return self.plain(images).flip(-1)
        ...     def plain(self, images):
        ...         return torch.nn.functional.interpolate(images.float() / 255, (self.size, self.size))
        >>> from ssltoolbox.api import ViewOptions
        >>> view = Mirror(ViewOptions(size=32))
        >>> images, landmarks = torch.zeros(2, 3, 48, 48, dtype=torch.uint8), torch.full((2, 68, 2), torch.nan)
        >>> isinstance(view, View), list(view.augment(images, landmarks, "a").shape)
        (True, [2, 3, 32, 32])
    """

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

    Examples:
        >>> import numpy as np, torch
        >>> from ssltoolbox.api import Clip, Frames
        >>> class Grey:
        ...     size = 8
        ...     def __init__(self, options, split):
        ...         pass
        ...     def __len__(self):
        ...         return 2
        ...     def clip(self, index):
        ...         return Clip(index, identity=index, times=np.arange(10) / 25)
        ...     def read(self, clips, frames):
        ...         images = torch.tensor(frames, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8)
        ...         return Frames(images, landmarks=torch.full((len(frames), 68, 2), torch.nan))
        >>> data = Grey(Options(), "train")
        >>> isinstance(data, Dataset), data.read([0, 1, 1], [4, 0, 9]).images[:, 0, 0, 0].tolist()
        (True, [4, 0, 9])
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
    """A dataset that comes with a list of pairs to verify; its options' facts say so (`DataFacts.pairs`).

    Examples:
        >>> import numpy as np
        >>> from ssltoolbox.api import Pairs
        >>> class Album:
        ...     def pairs(self):
        ...         first, second = np.array([0, 0]), np.array([1, 2])
        ...         return Pairs(first, second, same=np.array([True, False]), fold=np.array([0, 1]))
        >>> len(Album().pairs())
        2
    """

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
    """A method of self-supervised learning: an `nn.Module`, called as `Target(options, context)`.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> from ssltoolbox.api import StepOutput
        >>> class Align(nn.Module):
        ...     def __init__(self, options, context):
        ...         super().__init__()
        ...         self.backbone = context.backbone
        ...     def before_step(self, step):
        ...         pass
        ...     def step(self, view_a, view_b, rows):
        ...         side_a, side_b = self.backbone(view_a), self.backbone(view_b)
        ...         loss = (side_a - side_b).square().mean()
        ...         return StepOutput(loss, {"distance": loss.detach()}, side_a.detach(), side_b.detach())
        >>> from types import SimpleNamespace
        >>> method = Align(Options(), SimpleNamespace(backbone=nn.Flatten()))
        >>> output = method.step(torch.zeros(4, 3, 2, 2), torch.ones(4, 3, 2, 2), rows=None)
        >>> output.loss.item(), list(output.embeddings.shape)
        (1.0, [4, 12])
    """

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
    """Finds the 68 iBUG landmarks of a face in an image. Made once per process; need not be picklable.

    Examples:
        >>> import numpy as np
        >>> class Centre:
        ...     def __init__(self, options):
        ...         pass
        ...     def detect(self, image):
        ...         middle = np.array(image.shape[1::-1], np.float32) / 2
        ...         return np.tile(middle, (68, 1)) if image.any() else None
        >>> detector = Centre(Options())
        >>> detector.detect(np.zeros((40, 60, 3), np.uint8)) is None
        True
        >>> detector.detect(np.ones((40, 60, 3), np.uint8))[0].tolist()
        [30.0, 20.0]
    """

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
    """A downstream task on features that were computed once, with a frozen backbone.

    Examples:
        >>> import numpy as np
        >>> from ssltoolbox.api import Features
        >>> class Majority:
        ...     def __init__(self, options):
        ...         pass
        ...     def evaluate(self, features):
        ...         usual = np.bincount(features["train"].labels["expression"]).argmax()
        ...         truth = features["test"].labels["expression"]
        ...         return {"majority": {"accuracy": float((truth == usual).mean())}}
        >>> def split(*classes):
        ...     ids = np.arange(len(classes))
        ...     labels = {"expression": np.array(classes)}
        ...     return Features(np.zeros((len(ids), 4), np.float32), ids, ids, ids / 25, labels)
        >>> Majority(Options()).evaluate({"train": split(1, 1, 0), "val": split(0), "test": split(1, 0, 1, 1)})
        {'majority': {'accuracy': 0.75}}
    """

    def evaluate(self, features: Mapping[Split, Features]) -> Mapping[str, Mapping[str, Any]]:
        """Results as in `evaluation.json`: `{"valence": {"ccc": .5}, "arousal": …}`, fractions in 0 to 1.

        Choices (an epoch, a regulariser) are made on `features["val"]`, never on `features["test"]`.

        Raises:
            UserError: where the features lack a label that the task needs.
        """
        ...


def _unseen(total: int, unit: str) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda done: None)


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
        progress: (how many, of what) → shows how far long work is; what it gives is told how many more are done.
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
    progress: Callable[[int, str], AbstractContextManager[Callable[[int], None]]] = _unseen


@runtime_checkable
class NetworkEvaluator(Protocol):
    """A downstream task that may need the network itself, to train it or to show it images of its own choice.

    Examples:
        >>> class Size:
        ...     needs_network = True
        ...     def evaluate_network(self, context):
        ...         clips, frames = context.places("test")
        ...         return {"test": {"frames": len(clips)}}
        >>> from types import SimpleNamespace
        >>> Size().evaluate_network(SimpleNamespace(places=lambda split: ([0, 0, 1], [4, 9, 2])))
        {'test': {'frames': 3}}
    """

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
