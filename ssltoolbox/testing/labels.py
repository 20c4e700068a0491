"""The labels for testing a component: those of the author's data, or made-up ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from ssltoolbox.api import EXPRESSIONS
from ssltoolbox.api.needs import labels_in
from ssltoolbox.testing.rules import Subject, WrongInput
from ssltoolbox.testing.surroundings import AuthorData

NAME_DATA = "name data that has it: --data '{name: …}'"


def needed_labels(subject: Subject) -> tuple[str, ...]:
    """The labels that a component needs by name, such as those of `label:au12`."""
    return labels_in(subject.needs)


def labels_for(subject: Subject, count: int) -> Mapping[str, Tensor]:
    """Name → [count] labels for a method's rows.

    Raises:
        WrongInput: where the author's data lacks a label that the component needs.
    """
    own = subject.around.data_of(subject.kind, subject.card.name)
    if own is None:
        return made_up(count, needed_labels(subject))
    check_labels(subject, own)
    dataset = own.split("train")
    clips = torch.arange(count) % len(dataset)
    found = dataset.read(clips.tolist(), [0] * count)
    return dict(found.labels)


def made_up(count: int, names: Iterable[str] = ()) -> dict[str, Tensor]:
    """Expressions, and labels of two classes under the other names."""
    numbers = torch.arange(count)
    others = {name: (numbers // (2 + bit)) % 2 for bit, name in enumerate(sorted(names))}
    return {"expression": numbers % len(EXPRESSIONS), **others}


def check_labels(subject: Subject, own: AuthorData) -> None:
    """
    Raises:
        WrongInput: where the author's data lacks a label that the component needs.
    """
    known = own.facts.labels
    if missing := [name for name in needed_labels(subject) if name not in known]:
        has = f"it has {', '.join(sorted(known))}" if known else "it has none"
        raise WrongInput(
            f"it needs the label {missing[0]!r}, which dataset {own.chosen.key!r} does not have",
            f"{has}; {NAME_DATA}",
        )
    if "labels" in subject.needs and not known:
        raise WrongInput(f"it needs labels, which dataset {own.chosen.key!r} lacks", NAME_DATA)
