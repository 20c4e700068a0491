"""What flows through a step.

Shape letters: N draws, K hard negatives of a draw, R = 2(1+K) frames of a draw, M = N(1+K) instances,
B images, F features of a descriptor, D features of an embedding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import torch
    from torch import Tensor

EXPRESSIONS = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt")
"""The eight classes of AffectNet, in its order. A label of -1 means that a frame has no clear expression."""

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Clip:
    """A sequence of frames of one person, as strategies see it when they pick frames.

    Attributes:
        index: the clip's number within its dataset.
        identity: the number of the person.
        times: [frames] seconds, strictly increasing, not necessarily regular.
        name: what to call it in a message.
        load_landmarks: gives [frames, 68, 2] pixels, NaN where there are none.
    """

    index: int
    identity: int
    times: np.ndarray
    name: str = ""
    load_landmarks: Callable[[], np.ndarray] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def interval(self) -> float:
        """Seconds between two frames, the median; 0 for a clip of one frame."""
        if len(self) < 2:
            return 0.0
        # np.median takes ten times as long, and this is asked for in every draw.
        gaps = self.times[1:] - self.times[:-1]
        gaps.sort()
        return float(gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]) / 2

    @cached_property
    def landmarks(self) -> np.ndarray | None:
        """[frames, 68, 2] pixels, NaN where a frame has none; None for a dataset without landmarks."""
        return self.load_landmarks() if self.load_landmarks else None


@dataclass(frozen=True, eq=False)
class Frames:
    """Images that a dataset read, in the order asked for.

    Attributes:
        images: [B, 3, S, S] uint8 RGB.
        landmarks: [B, 68, 2] float32, x and y in pixels of the images; NaN where there are none.
        labels: name → [B]; int64 classes with -1 for none, or float32 values with NaN for none.
        unreadable: position → reason, for the images that could not be read; their pixels are undefined.
    """

    images: Tensor
    landmarks: Tensor
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    unreadable: Mapping[int, str] = field(default_factory=dict)


class TensorFields:
    """Moves every tensor of a dataclass at once, those in its fields' own fields too."""

    def changed(self: T, change: Callable[[Tensor], Tensor]) -> T:
        """A copy with every tensor passed through a function."""
        import torch

        def apply(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                return change(value)
            if isinstance(value, TensorFields):
                return value.changed(change)
            if isinstance(value, Mapping):
                return {key: apply(item) for key, item in value.items()}
            return value

        values = {f.name: apply(getattr(self, f.name)) for f in fields(self)}  # type: ignore[arg-type]
        return replace(self, **values)  # type: ignore[type-var]

    def to(self: T, device: torch.device | str, non_blocking: bool = False) -> T:
        """A copy with every tensor on `device`."""
        return self.changed(lambda t: t.to(device, non_blocking=non_blocking))  # type: ignore[attr-defined]

    def pin_memory(self: T) -> T:
        """A copy with every tensor in page-locked memory, for transfers that overlap with work."""
        return self.changed(lambda t: t.pin_memory())  # type: ignore[attr-defined]


@dataclass(frozen=True, eq=False)
class Batch(TensorFields):
    """N draws as loaded: their frames, and what is known of them.

    Roles, the second axis: `[anchor, hard_1 … hard_K, pos(anchor), pos(hard_1) … pos(hard_K)]`.

    Attributes:
        frames: [N, R, 3, S, S] uint8 RGB.
        landmarks: [N, R, 68, 2] float32 pixels, NaN where there are none.
        draw: [N] int64, unique within a run.
        clip, identity: [N] int64.
        time: [N, R] float64 seconds within the clip.
        labels: name → [N, R].
        counts: what happened on the way here, for the log: frames unreadable, draws refused, …
        notes: one line for each frame that could not be read.
    """

    frames: Tensor
    landmarks: Tensor
    draw: Tensor
    clip: Tensor
    identity: Tensor
    time: Tensor
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.frames.shape[0])

    @property
    def hard_negatives(self) -> int:
        """K, the hard negatives of each draw."""
        return int(self.frames.shape[1]) // 2 - 1

    @property
    def sources(self) -> Tensor:
        """[N, 1+K, 3, S, S]: the frames of side A, anchors first. A view of `frames`."""
        return self.frames[:, : 1 + self.hard_negatives]

    @property
    def positives(self) -> Tensor:
        """[N, 1+K, 3, S, S]: the frames of side B, in the order of `sources`. A view of `frames`."""
        return self.frames[:, 1 + self.hard_negatives :]


@dataclass(frozen=True, eq=False)
class Rows(TensorFields):
    """Who is who among the embeddings that a method compares.

    In a step there are 2M rows: the M instances of side A, then the same M of side B, each side role-major
    (all anchors, then all first hard negatives, …). Row i and row i+M are a pair. Rows also describe what was
    gathered from other ranks and what lies in a queue, where nothing can be told from a position.

    Attributes:
        draw: [rows] int64; -1 marks an empty place of a queue.
        clip, identity: [rows] int64.
        time: [rows] float64 seconds.
        descriptor: [rows, F]: what the maskers know of a row; NaN where they have no opinion. F may be 0.
        labels: name → [rows], where labels are known; for reports, and for methods that say that they need labels.
        weight: [rows] as how many a row counts among the negatives of its draw's other instances; between two of
            them the larger weight holds. None where all count as one.
    """

    draw: Tensor
    clip: Tensor
    identity: Tensor
    time: Tensor
    descriptor: Tensor
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    weight: Tensor | None = None

    def __len__(self) -> int:
        return int(self.draw.shape[0])

    def __getitem__(self, index: slice | Tensor) -> Rows:
        return self.changed(lambda t: t[index])

    def __add__(self, other: Rows) -> Rows:
        """These rows, then the others; labels and weights that both have."""
        import torch

        def joined(name: str) -> Tensor:
            return torch.cat([getattr(self, name), getattr(other, name)])

        weight = None if self.weight is None or other.weight is None else joined("weight")

        labels = {
            name: torch.cat([values, other.labels[name]])
            for name, values in self.labels.items()
            if name in other.labels
        }
        names = ("draw", "clip", "identity", "time", "descriptor")
        return Rows(**{name: joined(name) for name in names}, labels=labels, weight=weight)


@dataclass(frozen=True, eq=False)
class StepOutput:
    """What a method gives for a step.

    Attributes:
        loss: [] to be minimised.
        parts: named scalars for the log, detached.
        embeddings: [M, D] of side A, detached, for the diagnostics that watch for collapse.
        pairs: [M, D] of side B, detached; row i belongs to row i of `embeddings`.
    """

    loss: Tensor
    parts: Mapping[str, Tensor | float] = field(default_factory=dict)
    embeddings: Tensor | None = None
    pairs: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Features:
    """A frozen backbone's features of one split, computed once, as numpy arrays.

    Attributes:
        values: [frames, D] float32.
        clip, identity: [frames] int64.
        time: [frames] float64 seconds.
        labels: name → [frames]; see `Frames.labels`.
    """

    values: np.ndarray
    clip: np.ndarray
    identity: np.ndarray
    time: np.ndarray
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of images, each a clip of one frame, that show the same person or two.

    Attributes:
        first, second: [pairs] int64 clip numbers.
        same: [pairs] bool.
        fold: [pairs] int64; people of one fold are in no other.
    """

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray
    fold: np.ndarray

    def __len__(self) -> int:
        return len(self.same)
