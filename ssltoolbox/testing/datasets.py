"""Rules for datasets."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from ssltoolbox.api import Clip, DatasetOptions, Frames, LabelledDataset, OrderedDataset, UserError
from ssltoolbox.testing.card import picklable
from ssltoolbox.testing.compare import same, seed_globally, shape_of
from ssltoolbox.testing.material import SPLITS
from ssltoolbox.testing.rules import Breach, Complaint, Subject, WrongInput, rule
from ssltoolbox.testing.state import Call, keeps_nothing

LOOKED_AT = 20
"""Number of clips that are examined, spread evenly over the dataset."""
READ = 6
"""Frames that are read."""
TELLING = 8
"""With more clips, two random orders are never the same by chance."""


@rule("facts describe the training split")
def facts(subject: Subject) -> Iterator[Complaint]:
    options = subject.options
    assert isinstance(options, DatasetOptions)
    try:
        facts, dataset = options.facts(), subject.make("train")
    except UserError as error:
        raise WrongInput(error.message, error.hint) from error
    clips = [dataset.clip(index) for index in _some(len(dataset))]
    lengths = [len(clip) for clip in clips]
    seen = {"clips": (facts.clips, len(dataset)), "size": (facts.size, dataset.size)}
    for name, (promised, found) in seen.items():
        if promised != found:
            yield Complaint(name, f"`facts()` says {name} {promised}, but the training split has {found}")
    if lengths and not facts.shortest <= min(lengths) <= max(lengths) <= facts.longest:
        yield Complaint(
            "lengths",
            f"`facts()` says that clips have {facts.shortest} to {facts.longest} frames, but there is one of "
            f"{min(lengths) if min(lengths) < facts.shortest else max(lengths)}",
        )
    read = _read(dataset)
    for name in sorted(facts.labels - set(read.labels)):
        yield Complaint(
            name, f"`facts()` names the label {name!r}, but `{subject.name}.read` does not return it"
        )
    if not facts.landmarks and not read.landmarks.isnan().all():
        yield Complaint(
            "landmarks",
            f"`facts()` says that there are no landmarks, but `{subject.name}.read` returns some: set "
            "landmarks=True, or recipes that need them are rejected",
        )


@rule("clips are in order of time")
def clips(subject: Subject) -> Iterator[Complaint]:
    dataset = subject.make("train")
    for index in _some(len(dataset)):
        clip = dataset.clip(index)
        if not isinstance(clip, Clip) or clip.index != index:
            yield Complaint(
                "clip",
                f"`{subject.name}.clip({index})` must return a `Clip` with index {index}, but it returned "
                f"{clip!r:.80}",
            )
            continue
        if not len(clip) or clip.times.ndim != 1 or (np.diff(clip.times) <= 0).any():
            yield Complaint(
                "times",
                f"the times of `{subject.name}.clip({index})` must be seconds, one for each frame, in ascending "
                "order",
            )
        points = clip.landmarks
        if points is not None and points.shape != (len(clip), 68, 2):
            yield Complaint(
                "landmarks",
                f"the landmarks of `{subject.name}.clip({index})` are {shape_of(points)}, but must be "
                f"[{len(clip)}, 68, 2] in pixels, NaN where a frame has none",
            )


@rule("frames have the right shape and type")
def frames(subject: Subject) -> Iterator[Complaint]:
    dataset = subject.make("train")
    read = _read(dataset)
    count = len(_frames_to_read(dataset)[0])
    wanted = {
        "images": (read.images, "uint8", [count, 3, dataset.size, dataset.size]),
        "landmarks": (read.landmarks, "float32", [count, 68, 2]),
    }
    for name, (found, dtype, shape) in wanted.items():
        if shape_of(found) != f"{dtype} {shape}":
            yield Complaint(
                name,
                f"`{subject.name}.read` must return {name} {dtype} {shape}, but it returned "
                f"{shape_of(found)}",
            )
    for name, values in read.labels.items():
        fits = values.ndim in (1, 2) and len(values) == count
        if not fits or values.dtype not in (torch.int64, torch.float32):
            yield Complaint(
                f"label {name}",
                f"`{subject.name}.read` must return the label {name!r} as [{count}] or [{count}, C] int64 "
                f"classes or float32 values, but it returned {shape_of(values)}",
            )
    if wrong := sorted(set(read.unreadable) - set(range(count))):
        yield Complaint(
            "unreadable",
            f"`{subject.name}.read` reports position {wrong[0]} as unreadable, but {count} images were "
            "requested: positions start at 0, in the requested order",
        )


@rule("clips and frames have the same labels and people")
def known_early(subject: Subject) -> Iterator[Complaint]:
    """For datasets that know labels or people without reading images."""
    dataset = subject.make("train")
    if (people := getattr(dataset, "identities", None)) is not None:
        wrong = [index for index in _some(len(dataset)) if people[index] != dataset.clip(index).identity]
        if wrong or len(people) != len(dataset):
            yield Complaint(
                "identities",
                f"`{subject.name}.identities` must have the same people as `clip(index).identity`",
            )
    if not isinstance(dataset, LabelledDataset):
        return
    asked_clips, asked_frames = _frames_to_read(dataset)
    read = dataset.read(asked_clips, asked_frames).labels
    for row, (clip, frame) in enumerate(zip(asked_clips, asked_frames, strict=True)):
        for name, values in dataset.labels(clip).items():
            if name not in read or not same(torch.as_tensor(values[frame]), read[name][row]):
                yield Complaint(
                    name,
                    f"`{subject.name}.labels({clip})` has another {name!r} for frame {frame} than "
                    f"`{subject.name}.read`: return the same values with the same type",
                )


@rule("the same frames give the same bytes")
def reproducible(subject: Subject) -> Iterator[Complaint]:
    dataset = subject.make("train")
    seed_globally(1)
    once = _read(dataset)
    seed_globally(2)
    for again in (_read(dataset), _read(subject.make("train")), _read(pickle.loads(pickle.dumps(dataset)))):
        if not same(once, again):
            yield Complaint(
                "read",
                f"`{subject.name}.read` returned other bytes for the same frames: leave augmentation to the "
                "view; random values must depend only on clip and frame",
            )


@rule("frames are in the requested order")
def order(subject: Subject) -> None:
    dataset = subject.make("train")
    asked_clips, asked_frames = _frames_to_read(dataset)
    forth, back = dataset.read(asked_clips, asked_frames), dataset.read(asked_clips[::-1], asked_frames[::-1])
    one = dataset.read(asked_clips[:1], asked_frames[:1])
    if not (same(forth.images, back.images.flip(0)) and same(forth.images[:1], one.images)):
        raise Breach(
            f"`{subject.name}.read` must return the frames in the requested order, and independent of the other "
            "frames"
        )


@rule("an epoch has each clip once")
def epochs(subject: Subject) -> Iterator[Complaint]:
    """For datasets that give the order of an epoch themselves."""
    dataset = subject.make("train")
    if not isinstance(dataset, OrderedDataset):
        return
    order, again, other = (
        np.asarray(each.order(np.random.default_rng(seed)))
        for each, seed in ((dataset, 1), (subject.make("train"), 1), (dataset, 2))
    )
    if not np.array_equal(np.sort(order), np.arange(len(dataset))):
        yield Complaint(
            "clips",
            f"`{subject.name}.order` must return the number of each of the {len(dataset)} clips once, but it "
            f"returned {shape_of(order)} with {len(np.unique(order))} numbers",
        )
    elif not np.array_equal(order, again):
        yield Complaint(
            "random",
            f"`{subject.name}.order` returned another order for the same random numbers: use only `rng`, or a "
            "resumed run sees other clips",
        )
    elif len(order) > TELLING and np.array_equal(order, other):
        yield Complaint(
            "shuffled", f"`{subject.name}.order` returned the same order for other random numbers: use `rng`"
        )


@rule("all three splits can be opened")
def splits(subject: Subject) -> Iterator[Complaint]:
    size = subject.make("train").size
    for split in SPLITS[1:]:
        dataset = subject.make(split)
        if len(dataset) and dataset.size != size:
            yield Complaint(split, f"images of the split {split!r} have another size than those of 'train'")


def _some(count: int) -> list[int]:
    return sorted({int(index) for index in np.linspace(0, count - 1, min(count, LOOKED_AT))})


def _frames_to_read(dataset: Any) -> tuple[list[int], list[int]]:
    """First, middle and last frames of some clips; one of them twice."""
    chosen = _some(len(dataset))[: READ // 2]
    lengths = [len(dataset.clip(index)) for index in chosen]
    numbers = [
        (clip, frame) for clip, length in zip(chosen, lengths, strict=True) for frame in (0, length - 1)
    ]
    numbers.append(numbers[0])
    return [clip for clip, _ in numbers], [frame for _, frame in numbers]


def _read(dataset: Any) -> Frames:
    read: Frames = dataset.read(*_frames_to_read(dataset))
    return read


def _calls(subject: Subject) -> list[Call]:
    numbers = _frames_to_read(subject.make("train"))
    return [("clip", lambda dataset: dataset.clip(0).times), ("read", lambda dataset: dataset.read(*numbers))]


def make(subject: Subject) -> Any:
    """The training split."""
    return subject.make("train")


RULES = (
    picklable,
    facts,
    clips,
    frames,
    known_early,
    reproducible,
    order,
    epochs,
    splits,
    keeps_nothing(_calls, lambda subject: subject.make("train")),
)
