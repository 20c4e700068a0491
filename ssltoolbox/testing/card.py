"""Rules for every kind: what the descriptor says, its options, and how the component is made."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from ssltoolbox.api import Kind, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.api.needs import complaint_about_need
from ssltoolbox.testing.faults import definition_of, fault_of
from ssltoolbox.testing.rules import Breach, Complaint, Rule, Subject, WrongInput, rule, rule_file

HEAVY = ("torch", "lightly", "timm", "kornia", "torchvision", "pytorch_lightning")

DOOR = f"""
import importlib, sys
from ssltoolbox.registry.contract import components
module, name, kind, options, *files = sys.argv[1:]
(card,) = [c for k, c in components(importlib.import_module(module)) if (k.name, c.name) == (kind, name)]
parsed = card.options.model_validate_json(options)
if kind == "datasets":
    from pathlib import Path
    from ssltoolbox.api import KINDS
    from ssltoolbox.plan import find_datasets
    from ssltoolbox.registry import Origin, Provided
    owner = Provided(KINDS[kind], card, Origin(module, module, "", module))
    find_datasets(parsed, owner, [Path(file) for file in files]).facts()
print(*(name for name in {HEAVY} if name in sys.modules))
"""
"""Code for a fresh interpreter: it lists a component and, for a dataset, checks a recipe with it."""


@rule("it is documented")
def documented(subject: Subject) -> Iterator[Complaint]:
    card, options = subject.card, subject.options
    if not (10 <= len(card.summary) <= 100 and card.summary.endswith(".")):
        yield Complaint(
            "summary",
            f"make the summary a sentence of 10 to 100 characters with a full stop: {card.summary!r}",
        )
    if not (type(options).__doc__ or "").strip():
        yield Complaint(
            "options",
            f"give `{type(options).__name__}` a docstring: editors and `plugins show` print it",
        )
    schema = type(options).model_json_schema()
    for model in (schema, *schema.get("$defs", {}).values()):
        for name, option in model.get("properties", {}).items():
            if not option.get("description", "").strip():
                yield Complaint(
                    f"option {name}",
                    f"write a docstring below the option `{name}`: its meaning, unit and bounds",
                )


@rule("its needs are known ones")
def needs(subject: Subject) -> Iterator[Complaint]:
    for need in sorted(subject.needs, key=str):
        if complaint := complaint_about_need(need):
            yield Complaint(str(need), f"`{type(subject.options).__name__}.also_needs`: {complaint}")


@rule("options can be saved in a recipe")
def round_trip(subject: Subject) -> Iterator[Complaint]:
    model = type(subject.options)
    try:
        again = model.model_validate_json(subject.options.model_dump_json(by_alias=True))
    except ValueError as error:
        raise Breach(
            f"`{model.__name__}` rejects values that it saved itself, so the recipe.yaml of a run can't be used "
            f"again: {first_line(error)}; compare the validators with the types"
        ) from error
    for name in model.model_fields:
        written, read = getattr(subject.options, name), getattr(again, name)
        if written != read:
            yield Complaint(
                name,
                f"the option `{name}` of `{model.__name__}` changes when it is saved and loaded: {written!r} "
                f"became {read!r}; don't change the value in the options, and compute derived values in the "
                "class",
            )


@rule("it is listed without torch")
def door(subject: Subject) -> None:
    options, files = subject.options.model_dump_json(), map(str, subject.around.files)
    arguments = (subject.module, subject.card.name, subject.kind.name, options, *files)
    result = subprocess.run(
        [sys.executable, "-c", DOOR, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if result.returncode:
        raise Breach(f"importing `{subject.module}` alone fails: {result.stderr.strip().splitlines()[-1]}")
    if loaded := result.stdout.split():
        what = "or asking for `facts()` " if subject.kind == Kind.DATASETS else ""
        raise Breach(
            f"importing `{subject.module}` {what}imports {loaded[0]}, so `ssltoolbox --help` and `check` become "
            "slow: put hooks and options into one module, and the class into another one that `target` names, "
            f"such as {subject.module + '.strategy:' + subject.name!r}"
        )


@rule("it can be created from its options")
def made(subject: Subject) -> Iterator[Complaint]:
    try:
        component = make(subject)
    except UserError as error:
        raise WrongInput(f"it can't be made from its options: {error.message}", error.hint) from error
    except Exception as error:
        arguments = ", ".join(("options", *subject.kind.arguments))
        fault = fault_of(error, subject.target)
        place = fault.place or definition_of(subject.target) or subject.card.target
        raise Breach(f"`{subject.name}({arguments})` raised {fault.message} ({place})") from error
    contract = f"see `ssltoolbox.api.{subject.kind.contract}` for what it must have"
    for member in _members(subject.kind, component):
        if not hasattr(component, member):
            yield Complaint(member, f"`{subject.name}` has no `{member}`; {contract}")
    if subject.kind == Kind.METHODS and not isinstance(component, nn.Module):
        yield Complaint(
            "module", f"derive `{subject.name}` from `torch.nn.Module`, so that it is trained and saved"
        )


def _members(kind: Kind, component: Any) -> tuple[str, ...]:
    """The members that it must have; a task that needs the network has a different one."""
    return ("evaluate_network",) if getattr(component, "needs_network", False) else kind.members


@rule("it can be copied to loader workers")
def picklable(subject: Subject) -> None:
    try:
        pickle.loads(pickle.dumps(make(subject)))
    except Exception as error:
        raise Breach(
            f"`{subject.name}` can't be copied to a loader worker ({type(error).__name__}: "
            f"{first_line(error)}): it must not contain lambdas or open files; open a file when you read it"
        ) from error


def make(subject: Subject) -> Any:
    """The component, made by `make` of its kind's rule file, or else from its options alone."""
    made_by: Callable[[Subject], Any] = getattr(rule_file(subject.kind), "make", Subject.make)
    return made_by(subject)


def first_rules(subject: Subject) -> tuple[Rule, ...]:
    """The rules for any component; the others rely on the last of them."""
    # A file that a recipe names need not be fast to list.
    return (documented, round_trip, needs, *((door,) if subject.module else ()), made)
