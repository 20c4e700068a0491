"""The tensors of a step.

Shape letters: N draws, K hard negatives of a draw, R = 2(1+K) frames of a draw, M = N(1+K) instances,
B images, F features of a descriptor, D features of an embedding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import torch
    from torch import Tensor

EXPRESSIONS = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt")
"""The eight classes of AffectNet, in its order. A label of -1 means that a frame has no clear expression."""

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Frames:
    """Images that a dataset has read, in the requested order.

    Attributes:
        images: [B, 3, S, S] uint8 RGB.
        landmarks: [B, 68, 2] float32, x and y in pixels of the images; NaN where there are none.
        labels: name → [B] int64 classes with -1 for none, or float32 values with NaN for none; or [B, C] of labels
            of several columns, int64 with 1 for yes, 0 for no and -1 for unknown, or float32.
        unreadable: position → reason, for the images that could not be read; their pixels are undefined.
    """

    images: Tensor
    landmarks: Tensor
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    unreadable: Mapping[int, str] = field(default_factory=dict)


class TensorFields:
    """A dataclass with tensors. Its methods change all of them together, also nested ones."""

    def changed(self: T, change: Callable[[Tensor], Tensor]) -> T:
        """A copy with a function applied to every tensor."""
        import torch

        def apply(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                return change(value)
            if isinstance(value, TensorFields):
                return value.changed(change)
            if isinstance(value, Mapping):
                return {key: apply(item) for key, item in value.items()}
            if type(value) is tuple:
                return tuple(map(apply, value))
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
    """N draws, with the pixels and facts of their frames.

    The second axis has the roles `[anchor, hard_1 … hard_K, pos(anchor), pos(hard_1) … pos(hard_K)]`. With one
    side, it has only the first half.

    Attributes:
        frames: [N, R, 3, S, S] uint8 RGB.
        landmarks: [N, R, 68, 2] float32 pixels, NaN where there are none.
        draw: [N] int64, unique within a run.
        clip: [N, R] int64; the frames of a draw may come from different clips.
        identity: [N, R] int64.
        time: [N, R] float64 seconds within the clip.
        labels: name → [N, R], or [N, R, C] for labels of C numbers.
        found: name → [N, R] float32, the numbers of `Pick.found`; NaN for none.
        own: the draws of this process, if several processes share the batch. The pixels of other draws are not
            used.
        sides: 2; or 1, without positives, for a method that uses only side A.
        counts: counts for the log, such as the number of unreadable frames.
        notes: one line for each frame that could not be read.
    """

    frames: Tensor
    landmarks: Tensor
    draw: Tensor
    clip: Tensor
    identity: Tensor
    time: Tensor
    labels: Mapping[str, Tensor] = field(default_factory=dict)
    found: Mapping[str, Tensor] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sides: int = 2
    own: slice = field(default_factory=lambda: slice(None))

    def __len__(self) -> int:
        return int(self.frames.shape[0])

    @property
    def hard_negatives(self) -> int:
        """K, the hard negatives of each draw."""
        return int(self.frames.shape[1]) // self.sides - 1

    @property
    def sources(self) -> Tensor:
        """[N, 1+K, 3, S, S]: the frames of side A, anchors first. A view of `frames`."""
        return self.frames[:, : 1 + self.hard_negatives]

    @property
    def positives(self) -> Tensor:
        """[N, 1+K, 3, S, S]: the frames of side B, in the order of `sources`. A view of `frames`."""
        return self.frames[:, 1 + self.hard_negatives :]


@dataclass(frozen=True, eq=False, init=False)
class Rows(TensorFields):
    """Draw, clip, identity, time and more of the embeddings that a method compares.

    In a step there are 2M rows: the M instances of side A, then the same M of side B, each side role-major (all
    anchors, then all first hard negatives, …). Row i and row i+M are a pair. Rows gathered from other ranks, or
    from a queue, have no such order.

    Attributes:
        draw: [rows] int64; -1 marks an empty slot of a queue.
        clip: [rows] int64.
        identity: [rows] int64.
        time: [rows] float64 seconds.
        labels: name → [rows] or [rows, C]; for reports, and for methods that declare that they need labels.
        weight: [rows] the number of ordinary negatives that a row counts as, for rows of its draw on the other
            side. For two rows, the larger of their weights counts. None if all rows count as one.
        descriptors: key of a masker → [rows, F] its descriptors; a row of NaN is never masked. F may be 0.
        side: [rows] int64, 0 for side A and 1 for side B; None if it is not known.
    """

    draw: Tensor
    clip: Tensor
    identity: Tensor
    time: Tensor
    labels: Mapping[str, Tensor]
    weight: Tensor | None
    descriptors: Mapping[str, Tensor]
    side: Tensor | None

    def __init__(
        self,
        draw: Tensor,
        clip: Tensor,
        identity: Tensor,
        time: Tensor,
        descriptor: Tensor | None = None,
        labels: Mapping[str, Tensor] | None = None,
        weight: Tensor | None = None,
        descriptors: Mapping[str, Tensor] | None = None,
        side: Tensor | None = None,
    ) -> None:
        """`descriptor` is short for `descriptors={"": descriptor}`, if there is one masker."""
        given = descriptors or {} if descriptor is None else {"": descriptor}
        values = (draw, clip, identity, time, labels or {}, weight, given, side)
        for attribute, value in zip(fields(self), values, strict=True):
            object.__setattr__(self, attribute.name, value)

    @property
    def descriptor(self) -> Tensor:
        """[rows, F] the descriptors of all maskers side by side. In a masker's methods, only its own."""
        import torch

        if not self.descriptors:
            return self.draw.new_empty((len(self), 0), dtype=torch.float32)
        return torch.cat(list(self.descriptors.values()), dim=1)

    def __len__(self) -> int:
        return int(self.draw.shape[0])

    def __getitem__(self, index: slice | Tensor) -> Rows:
        return self.changed(lambda t: t[index])

    def __add__(self, other: Rows) -> Rows:
        """These rows, then the others, with the labels, descriptors, weights and sides that both have."""
        import torch

        def joined(name: str) -> Tensor:
            return torch.cat([getattr(self, name), getattr(other, name)])

        def joined_if_both(name: str) -> Tensor | None:
            return None if getattr(self, name) is None or getattr(other, name) is None else joined(name)

        def joined_items(name: str) -> dict[str, Tensor]:
            one, two = getattr(self, name), getattr(other, name)
            return {key: torch.cat([one[key], two[key]]) for key in one if key in two}

        return Rows(
            **{name: joined(name) for name in ("draw", "clip", "identity", "time")},
            labels=joined_items("labels"),
            weight=joined_if_both("weight"),
            descriptors=joined_items("descriptors"),
            side=joined_if_both("side"),
        )


class LossTerms(NamedTuple):
    """A loss, [], and named scalars for the log, detached."""

    loss: Tensor
    terms: Mapping[str, Tensor]


@dataclass(frozen=True, eq=False, init=False)
class StepOutput:
    """The output of a method's step.

    Attributes:
        loss: [] the loss.
        terms: named scalars for the log, detached, such as terms of the loss.
        embeddings: [M, D] of side A, for diagnostics and for maskers that learn. If they have their gradient, also
            for auxiliary losses.
        pairs: [M, D] of side B; row i belongs to row i of `embeddings`.
        features: [M, feature_dim] of side A, or [2M, feature_dim] of both sides, with their gradient, for
            auxiliary losses. If None, the engine takes the outputs of the backbone's calls, in their order.
        temperature: τ of the loss, for auxiliary losses; None if the loss has none.
    """

    loss: Tensor
    terms: Mapping[str, Tensor | float]
    embeddings: Tensor | None
    pairs: Tensor | None
    features: Tensor | None
    temperature: float | None

    def __init__(
        self,
        loss: Tensor,
        terms: Mapping[str, Tensor | float] | None = None,
        embeddings: Tensor | None = None,
        pairs: Tensor | None = None,
        features: Tensor | None = None,
        temperature: float | None = None,
        *,
        parts: Mapping[str, Tensor | float] | None = None,
    ) -> None:
        """`parts` is the name of `terms` in API 1."""
        values = (loss, terms or parts or {}, embeddings, pairs, features, temperature)
        for attribute, value in zip(fields(self), values, strict=True):
            object.__setattr__(self, attribute.name, value)

    @property
    def parts(self) -> Mapping[str, Tensor | float]:
        """The name of `terms` in API 1."""
        return self.terms


@dataclass(frozen=True, eq=False)
class Features:
    """Features of one split by a frozen backbone, as numpy arrays.

    Attributes:
        values: [frames, D] float32.
        clip: [frames] int64.
        identity: [frames] int64.
        time: [frames] float64 seconds.
        labels: name → [frames] or [frames, C]; see `Frames.labels`.
        classes: label → the names of its classes, or of its columns, where the data names them.
    """

    values: np.ndarray
    clip: np.ndarray
    identity: np.ndarray
    time: np.ndarray
    labels: Mapping[str, np.ndarray] = field(default_factory=dict)
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of images for face verification. Each image is a clip of one frame.

    Attributes:
        first: [pairs] int64 clip numbers of the first images.
        second: [pairs] int64 clip numbers of the second images.
        same: [pairs] bool, True if both images show the same person.
        fold: [pairs] int64; each person is in only one fold.
    """

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray
    fold: np.ndarray

    def __len__(self) -> int:
        return len(self.same)
