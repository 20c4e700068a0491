"""Rules for components in the loader's workers: they keep no state between calls, and don't learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import nn

from ssltoolbox.testing.attributes import first_change, kept_by, state_of
from ssltoolbox.testing.compare import same
from ssltoolbox.testing.rules import Complaint, Rule, Subject, rule

Call = tuple[str, Callable[[Any], Any]]
"""A member of a component, and a function that calls it with fixed arguments and random numbers."""


def keeps_nothing(
    calls: Callable[[Subject], Sequence[Call]], make: Callable[[Subject], Any] = Subject.make
) -> Rule:
    """The rule that calls leave no state that a later call could depend on.

    Values that a call computes once and keeps, such as a table or an open file, are allowed.

    Args:
        calls: the calls, in the order of a step.
        make: makes the component.
    """

    @rule("calls keep no state")
    def stateless(subject: Subject) -> Iterator[Complaint]:
        used = make(subject)
        for name, call in calls(subject):
            found = call(used)
            before = state_of(used)
            call(used)
            if changed := first_change(before, state_of(used)):
                yield Complaint(
                    name,
                    f"`{subject.name}.{name}` changes `{changed}` at every call, but each loader worker has its "
                    "own copy of the component: the result must depend only on the arguments",
                )
            elif not same(found, call(make(subject))):
                yield Complaint(
                    name,
                    f"`{subject.name}.{name}` returns another result after other calls, which may have run in "
                    "another process: the result must depend only on the arguments",
                )

    return stateless


@rule("it has no parameters that would not be trained")
def frozen(subject: Subject) -> Iterator[Complaint]:
    """The rule for components whose parameters no optimiser gets."""
    component = subject.make()
    for path, value in kept_by(component):
        if isinstance(value, torch.Tensor) and value.requires_grad:
            yield Complaint(
                path,
                f"`{path}` of `{subject.name}` requires a gradient, but no optimiser trains it: freeze it with "
                "`requires_grad_(False)`",
            )
        if isinstance(value, nn.Module) and not isinstance(component, nn.Module):
            yield Complaint(
                "module",
                f"`{subject.name}` has a network (`{path}`), but is not an `nn.Module`: also derive it from "
                "`torch.nn.Module`, so that the network is moved to the device and saved",
            )
