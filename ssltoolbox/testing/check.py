"""Finds the components that a target means, tries every rule on them, and reports each result."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ssltoolbox.api import Options, UserError
from ssltoolbox.api.errors import one_of
from ssltoolbox.api.suggest import did_you_mean
from ssltoolbox.plan import find_datasets
from ssltoolbox.registry import PluginError, Provided
from ssltoolbox.registry.contract import YIELD_NOTHING
from ssltoolbox.testing import card
from ssltoolbox.testing.faults import Fault, fault_of
from ssltoolbox.testing.rules import Breach, NotTried, Rule, Subject, WrongInput, rule_file
from ssltoolbox.testing.surroundings import Data, Surroundings, surroundings
from ssltoolbox.testing.targets import BrokenPluginError, Target, found, idle_hooks, is_importable

EVERY_HOOK = "every hook yields a component"


@dataclass(frozen=True)
class Finding:
    """The result of one rule.

    Attributes:
        component: the component, such as "negative masker 'mask_fn'"; the target if no component was found.
        rule: the rule, in a few words.
        advice: what is wrong and what to do, a line for each complaint; empty if no fault was found.
        tried: False if the rule could not be tried, because of another finding or on this machine.
    """

    component: str
    rule: str
    advice: str = ""
    tried: bool = True

    @property
    def kept(self) -> bool:
        """True if the rule was tried and found no fault."""
        return self.tried and not self.advice


class BrokenContract(AssertionError):
    """A plugin breaks its contract. The message has the advice for each broken rule."""


def check_plugin(
    target: Target,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    data: Data | None = None,
    recipe: Path | str | None = None,
    backbone: str = "",
) -> None:
    """Tests each component of a plugin against every rule of its kind.

    Args:
        target: a plugin's module or its name, a component's name (`"hard_neg"`), a Python file, a component's
            class or its path (`"my_package.strategy:Mirror"`), or a descriptor.
        options: component → option → value, as in a recipe. Other options have their defaults.
        data: a dataset as in a recipe, such as `{"name": "frames", "root": "faces"}`. Tasks run on it, instead of
            on random features, and methods get its labels.
        recipe: a recipe with options, data, backbone and plugin files. The other arguments take precedence.
        backbone: timm's name of the network for methods and tasks. By default, a network that the component needs
            (`backbone:vit`), or else a tiny one.

    Raises:
        BrokenContract: if a rule is broken.
        UserError: if the target is unknown, or options, data or the backbone can't be used.

    Examples:
        >>> check_plugin("hard_neg", options={"hard_neg": {"gap": 2.0}})
    """
    findings = examine(target, options, data=data, recipe=recipe, backbone=backbone)
    broken = [finding for finding in findings if finding.advice]
    if broken:
        raise BrokenContract("\n".join(f"{f.component}: {f.rule}: {f.advice}" for f in broken))


def examine(
    target: Target,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    data: Data | None = None,
    recipe: Path | str | None = None,
    backbone: str = "",
) -> tuple[Finding, ...]:
    """The result of every rule. The arguments are those of `check_plugin`.

    Raises:
        UserError: as `check_plugin` does.
    """
    around = surroundings(data, recipe, backbone)
    try:
        items = found(target, around.files)
    except BrokenPluginError as error:
        return (Finding(str(target), "the plugin can be loaded", str(error)),)
    given = dict(options or {})
    names = {item.descriptor.name for item in items}
    for name in given.keys() - names:
        hint = did_you_mean(name, names) or f"it has {one_of(names)}"
        raise UserError(f"there is no component {name!r} in {target}", hint)
    idle = [Finding(module, EVERY_HOOK, f"`{hook}` {YIELD_NOTHING}") for module, hook in idle_hooks(items)]
    tried = [
        finding for item in items for finding in _examined(item, given.get(item.descriptor.name, {}), around)
    ]
    return (*idle, *tried)


def _examined(item: Provided, options: Mapping[str, Any], around: Surroundings) -> Iterator[Finding]:
    try:
        target = item.load()
    except PluginError as error:
        yield Finding(item.title, "its target can be imported", str(error))
        return
    module = item.origin.module
    importable = bool(item.origin.distribution) and is_importable(module)
    subject = Subject(
        item.kind,
        item.descriptor,
        module if importable else "",
        _parsed(item, {**around.options_of(item), **options}, around.files),
        target,
        around,
    )
    trial = _Trial(subject)
    findings = [trial.of(rule) for rule in card.first_rules(subject)]
    yield from findings
    if findings[-1].kept:
        rules: Sequence[Rule] = rule_file(item.kind).RULES
        yield from (trial.of(rule) for rule in rules if rule.applies(subject))


class _Trial:
    """Tries the rules on a component, and reports each fault once."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._known: set[Fault] = set()
        self._broken = False

    def of(self, rule: Rule) -> Finding:
        """
        Raises:
            WrongInput: where the component can't be tried with what the user named.
        """
        complaints: dict[str, str] = {}
        tried = True
        try:
            for complaint in rule.check(self._subject) or ():
                complaints.setdefault(complaint.about, complaint.advice)
        except Breach as breach:
            complaints.setdefault("", str(breach))
        except NotTried:
            tried = False
        except WrongInput as error:
            raise WrongInput(f"{self._subject.title}: {error.message}", error.hint) from error
        except Exception as error:
            fault = fault_of(error, self._subject.target)
            if self._explains(fault, bool(complaints)):
                tried = False
            else:
                self._known.add(fault)
                complaints[str(fault)] = self._advice(fault)
        self._broken |= bool(complaints)
        advice = "\n".join(complaints.values())
        return Finding(self._subject.title, rule.title, advice, tried or bool(complaints))

    def _explains(self, fault: Fault, complained: bool) -> bool:
        """True if a fault is reported already, or follows from a reported one."""
        return fault in self._known or (
            not fault.place and not fault.missing and (complained or self._broken)
        )

    def _advice(self, fault: Fault) -> str:
        name, contract = self._subject.name, self._subject.kind.contract
        if fault.missing:
            return f"`{name}` must define `{fault.missing}`; see `ssltoolbox.api.{contract}`"
        if fault.place:
            return f"`{name}` raised {fault}"
        return f"`{name}` doesn't follow `ssltoolbox.api.{contract}`: {fault}"


def _parsed(item: Provided, options: Mapping[str, Any], files: Sequence[Path]) -> Options:
    try:
        parsed = item.descriptor.options.model_validate_json(json.dumps(options, default=str))
    except ValidationError as error:
        raise UserError("\n".join(_refusals(item, error))) from error
    return find_datasets(parsed, item, files)


def _refusals(item: Provided, error: ValidationError) -> Iterator[str]:
    for mistake in error.errors():
        option = ".".join(map(str, mistake["loc"]))
        name = item.descriptor.name
        hint = (
            f"it has no default: give a value, such as --set {name}.{option}=…"
            if mistake["type"] == "missing"
            else f"see: ssltoolbox plugins show {name}"
        )
        yield f"{item.title}: option {option!r}: {mistake['msg']}; {hint}"
