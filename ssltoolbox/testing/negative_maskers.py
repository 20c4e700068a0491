"""Rules for negative maskers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssltoolbox.api import Batch, Comparison, MaskerAnswer, NegativeMasker, Rows
from ssltoolbox.testing.card import picklable
from ssltoolbox.testing.compare import changed_field, copy_of, devices, same, seed_globally, shape_of
from ssltoolbox.testing.material import batch, rows
from ssltoolbox.testing.rules import Breach, Complaint, Subject, rule
from ssltoolbox.testing.state import Call, frozen, keeps_nothing

DRAWS, HARD = 5, 1
STEP, TEMPERATURE = 1000, 0.1
"""The step is late enough for a warm-up to be over."""


@rule("attract is a weight")
def attraction(subject: Subject) -> None:
    weight = subject.make().attract
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
        raise Breach(f"`{subject.name}.attract` must be a number of at least 0, it is {weight!r}")


@rule("each frame has a descriptor")
def described(subject: Subject) -> Iterator[Complaint]:
    widths = set()
    for given in _batches():
        found = _describe(subject, given)
        frames = given.frames.shape[0] * given.frames.shape[1]
        if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != frames:
            yield Complaint(
                "shape",
                f"`{subject.name}.describe` must return [N·R, F], here [{frames}, F], but it returned "
                f"{shape_of(found)}: flatten with `batch.frames.flatten(0, 1)`, and return NaN for a frame "
                "without a descriptor",
            )
            continue
        if not found.is_floating_point() or found.device != given.frames.device:
            yield Complaint(
                "type",
                f"`{subject.name}.describe` must return floats on {given.frames.device}, but it returned "
                f"{shape_of(found)} on {found.device}",
            )
        widths.add(found.shape[1])
    if len(widths) > 1:
        yield Complaint(
            "width",
            f"`{subject.name}.describe` returned descriptors of {sorted(widths)} numbers: F must not depend on "
            "the batch, because queues keep descriptors",
        )


@rule("descriptors have no gradient")
def no_gradient(subject: Subject) -> None:
    for given in _batches():
        if _describe(subject, given).requires_grad:
            raise Breach(
                f"`{subject.name}.describe` returned a tensor with a gradient: use `torch.no_grad()`, and "
                "freeze its network with `requires_grad_(False)`"
            )


@rule("describe does not change the batch")
def batch_unchanged(subject: Subject) -> Iterator[Complaint]:
    for given in _batches():
        before = copy_of(given)
        _describe(subject, given)
        if changed := changed_field(before, given):
            yield Complaint(
                changed, f"`{subject.name}.describe` changed `batch.{changed}`: work on a copy of it"
            )


@rule("the same batch gives the same descriptors")
def reproducible(subject: Subject) -> None:
    for given in _batches():
        masker = subject.on(given.frames.device.type)
        once, again = (_describe(subject, given, masker, seed) for seed in (1, 2))
        if not same(once, again):
            raise Breach(
                f"`{subject.name}.describe` returned other descriptors for the same batch: it must not use "
                "random numbers, and its network must be in `eval()` mode"
            )


@rule("each pair has a mask value")
def masked(subject: Subject) -> None:
    for masker, comparison in _comparisons(subject):
        found, expected = _answer(masker, comparison).masked, shape_of(comparison.eligible)
        if found is not None and shape_of(found) != expected:
            raise Breach(
                f"{_call(subject)} must return {expected}, a row for each anchor and a column for each "
                f"candidate, but it returned {shape_of(found)}"
            )


@rule("each pair has a weight above 0")
def weighed(subject: Subject) -> None:
    for masker, comparison in _comparisons(subject):
        found = _answer(masker, comparison).weights
        if found is None:
            continue
        shape = list(comparison.eligible.shape)
        if not found.is_floating_point() or list(found.shape) != shape:
            raise Breach(
                f"{_call(subject)} must return weights as floats {shape}, but it returned {shape_of(found)}"
            )
        known = found[_known(comparison.anchors, comparison.candidates)]
        if not ((known > 0) & known.isfinite()).all():
            raise Breach(
                f"{_call(subject)} returned weights that are not finite, or not above 0: a weight is the number "
                "of ordinary negatives that a candidate counts as; mask a candidate that should not count"
            )


@rule("mask does not change its input")
def rows_unchanged(subject: Subject) -> Iterator[Complaint]:
    for masker, comparison in _comparisons(subject):
        before = {name: copy_of(getattr(comparison, name)) for name in ("anchors", "candidates")}
        tensors = copy_of(comparison)
        _answer(masker, comparison)
        changed = [name for name, rows in before.items() if changed_field(rows, getattr(comparison, name))]
        changed += [
            name
            for name in ("eligible", "negative", "similarity")
            if not same(tensors[name], getattr(comparison, name))
        ]
        for name in changed:
            yield Complaint(name, f"{_call(subject)} changed `{name}`: work on a copy of it")


@rule("the same rows give the same mask")
def same_mask(subject: Subject) -> None:
    for masker, comparison in _comparisons(subject):
        seed_globally(1)
        once = _answer(masker, comparison)
        seed_globally(2)
        if not same(vars(once), vars(_answer(masker, comparison))):
            raise Breach(
                f"{_call(subject)} returned another mask for the same rows: it must not use random numbers, and "
                "must not keep state"
            )


@rule("mask depends only on the rows")
def of_rows_alone(subject: Subject) -> None:
    for masker, comparison in _comparisons(subject):
        expected, other = _answer(masker, comparison), subject.on(str(comparison.eligible.device))
        advice = (
            f"{_call(subject)} needs state that `describe` has set, but `describe` may run in another process "
            f"and for another batch: put the values that `{_method(subject)}` needs into the descriptors"
        )
        try:
            found = _answer(other, comparison)
        except Exception as error:
            raise Breach(advice) from error
        if not same(vars(expected), vars(found)):
            raise Breach(advice)


@rule("pairs that are not eligible have no effect")
def eligible_only(subject: Subject) -> None:
    for masker, whole in _comparisons(subject):
        for number in range(0, len(whole.anchors), 3):
            comparison = _of_anchor(whole, number)
            anchor, candidates, eligible = comparison.anchors, comparison.candidates, comparison.eligible
            others = torch.where(eligible[0, :, None], candidates.descriptor, anchor.descriptor)
            blank = torch.where(eligible[0, :, None], candidates.descriptor, torch.nan)
            alike, unknown = (
                _masked(masker, replace(comparison, candidates=replace(candidates, descriptors={"": part})))
                for part in (others, blank)
            )
            if not torch.equal(alike, unknown):
                raise Breach(
                    f"the mask of {_call(subject)} depends on candidates that are not eligible (the anchor "
                    "itself, its draw, empty entries of a queue): exclude them before you choose, for example "
                    "with `similarity.masked_fill(~eligible, -torch.inf)`"
                )


@rule("its learned state is saved")
def resumes(subject: Subject) -> None:
    for device in devices():
        first, second = subject.on(device), subject.on(device)
        if type(first).update is NegativeMasker.update:
            return
        if not isinstance(first, nn.Module):
            raise Breach(
                f"`{subject.name}.update` changes state that checkpoints don't save: also derive from "
                "`nn.Module`, and keep the state in buffers"
            )
        for seed in range(3):
            _learn(first, seed, device)
        second.load_state_dict(first.state_dict())
        for masker in (first, second):
            _learn(masker, 3, device)
        comparison = next(one for _, one in _comparisons(subject) if one.eligible.device.type == device)
        states = [dict(masker.named_buffers()) for masker in (first, second)]
        answers = [vars(_answer(masker, comparison)) for masker in (first, second)]
        if not same(*states) or not same(*answers):
            raise Breach(
                f"`{subject.name}` continues differently after a resume: keep all state that `update` changes "
                "in buffers, with `register_buffer(…, persistent=True)`, and use no random numbers"
            )


def _method(subject: Subject) -> str:
    own = getattr(subject.target, "answer", NegativeMasker.answer) is not NegativeMasker.answer
    return "answer" if own else "mask"


def _call(subject: Subject) -> str:
    return f"`{subject.name}.{_method(subject)}`"


def _answer(masker: Any, comparison: Comparison) -> MaskerAnswer:
    """A masker's answer; a plain tensor counts as a mask."""
    with torch.no_grad():
        answer = masker.answer(comparison)
    return answer if isinstance(answer, MaskerAnswer) else MaskerAnswer(masked=answer)


def _masked(masker: Any, comparison: Comparison) -> Tensor:
    """[A, C] the eligible pairs that it masks."""
    found = _answer(masker, comparison).masked
    return comparison.eligible & (comparison.eligible if found is None else found)


def _of_anchor(comparison: Comparison, number: int) -> Comparison:
    """The comparison of one anchor with its candidates."""
    row = slice(number, number + 1)
    return replace(
        comparison,
        anchors=comparison.anchors[row],
        negative=comparison.negative[row],
        eligible=comparison.eligible[row],
        similarity=None if comparison.similarity is None else comparison.similarity[row],
        embeddings=comparison.embeddings and (comparison.embeddings[0][row], comparison.embeddings[1]),
    )


def _learn(masker: Any, seed: int, device: str) -> None:
    """A step of a run, in which it learns."""
    own = rows(DRAWS, HARD, _describe_with(masker, device))
    embeddings = torch.randn(len(own), 8, generator=torch.Generator().manual_seed(seed))
    seed_globally(seed)
    with torch.no_grad():
        masker.update(own.to(device), embeddings.to(device))


def _batches() -> Iterator[Batch]:
    """Batches of several draws and of one, with and without hard negatives and landmarks, on every device."""
    for device in devices():
        for draws, hard, known in ((4, 1, True), (3, 0, True), (3, 1, False), (1, 0, True), (1, 0, False)):
            yield batch(draws, hard, known).to(device)


def _describe(subject: Subject, given: Batch, masker: Any = None, seed: int = 1) -> Any:
    return _described(masker or subject.on(given.frames.device.type), given, seed)


def _described(masker: Any, given: Batch, seed: int = 1) -> Any:
    seed_globally(seed)
    with torch.no_grad():
        return masker.describe(given)


def _comparisons(subject: Subject) -> Iterator[tuple[Any, Comparison]]:
    """A masker with comparisons: a step with itself, with a half-full queue, with one row, with no rows."""
    for device in devices():
        masker = subject.on(device)
        own = rows(DRAWS, HARD, _describe_with(masker, device)).to(device)
        empty = replace(
            own,
            draw=torch.full_like(own.draw, -1),
            descriptors={"": torch.full_like(own.descriptor, torch.nan)},
        )
        half = len(own) // 2
        yield masker, _compared(masker, own, own)
        yield masker, _compared(masker, own[:half], own[half:] + empty)
        yield masker, _compared(masker, own, own[:1])
        yield masker, _compared(masker, own, empty)


def _describe_with(masker: Any, device: str) -> Tensor:
    """[2M, F] a masker's descriptors of a batch, on the CPU, role-major."""
    given = batch(DRAWS, HARD).to(device)
    seed_globally(1)
    with torch.no_grad():
        described: Tensor = masker.describe(given).unflatten(0, given.frames.shape[:2])
    return described.transpose(0, 1).flatten(0, 1).cpu()


def _compared(masker: Any, anchors: Rows, candidates: Rows) -> Comparison:
    """A comparison as the engine makes it, with random embeddings."""
    different = (anchors.draw[:, None] != candidates.draw) & (candidates.draw >= 0)
    count, generator = len(anchors) + len(candidates), torch.Generator().manual_seed(0)
    embeddings = F.normalize(torch.randn(count, 8, generator=generator)).to(anchors.draw.device)
    sides = embeddings[: len(anchors)], embeddings[len(anchors) :]
    similarity = sides[0] @ sides[1].T if masker.needs_similarity else None
    eligible = different & _known(anchors, candidates)
    negative = anchors.draw[:, None] != candidates.draw
    given = sides if masker.needs_embeddings else None
    return Comparison(anchors, candidates, negative, eligible, similarity, STEP, TEMPERATURE, given)


def _known(anchors: Rows, candidates: Rows) -> Tensor:
    """[A, C] whether both descriptors are finite."""
    own, theirs = (part.descriptor.isfinite().all(dim=1) for part in (anchors, candidates))
    return own[:, None] & theirs


def _calls(subject: Subject) -> list[Call]:
    """Descriptors of two batches, the second without landmarks, and the mask after that."""
    described: list[Call] = [
        ("describe", partial(_described, given=batch(DRAWS, HARD, known))) for known in (True, False)
    ]
    _, comparison = next(_comparisons(subject))

    def mask(masker: Any) -> Any:
        seed_globally(1)
        with torch.no_grad():
            return _answer(masker, comparison)

    return [*described, ("mask", mask)]


RULES = (
    picklable,
    attraction,
    described,
    no_gradient,
    batch_unchanged,
    reproducible,
    masked,
    weighed,
    rows_unchanged,
    same_mask,
    of_rows_alone,
    eligible_only,
    resumes,
    keeps_nothing(_calls),
    frozen,
)
