"""Finds what is meant, tries every rule on it, and says what came of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from ssltoolbox.api import Kind, Options, UserError
from ssltoolbox.api.errors import first_line, one_of
from ssltoolbox.api.suggest import suggest
from ssltoolbox.registry import PluginError, Provided
from ssltoolbox.testing import card
from ssltoolbox.testing.rules import Breach, Rule, Subject
from ssltoolbox.testing.targets import BrokenPluginError, Target, found, is_importable


@dataclass(frozen=True)
class Finding:
    """What came of one rule.

    Attributes:
        component: such as "negative masker 'mask_fn'"; the target, where it could not be taken in.
        rule: what had to be kept, in a few words.
        advice: what is wrong and what to do; empty where the rule was kept.
    """

    component: str
    rule: str
    advice: str = ""

    @property
    def kept(self) -> bool:
        """True if there is nothing to complain of."""
        return not self.advice


class BrokenContract(AssertionError):
    """A plugin breaks its contract; the message has the advice for each broken rule."""


def check_plugin(target: Target, options: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """Tries every rule of its kind on each component of a plugin.

    Args:
        target: a plugin's module or its name, a component's name (`"hard_neg"`), a Python file, a component's
            class or its path (`"my_package.strategy:Mirror"`), or a descriptor.
        options: component → option → value, as a recipe would set them; defaults for the others.

    Raises:
        BrokenContract: with advice on each rule that is broken.
        UserError: for a target that means nothing, and for options that are refused.

    Examples:
        >>> check_plugin("hard_neg", options={"hard_neg": {"gap": 2.0}})
    """
    broken = [finding for finding in examine(target, options) if not finding.kept]
    if broken:
        raise BrokenContract("\n".join(f"{f.component}: {f.rule}: {f.advice}" for f in broken))


def examine(target: Target, options: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[Finding, ...]:
    """What came of every rule; see `check_plugin`."""
    try:
        items = found(target)
    except BrokenPluginError as error:
        return (Finding(str(target), "the plugin can be taken in", str(error)),)
    given = dict(options or {})
    names = {item.descriptor.name for item in items}
    for name in given.keys() - names:
        near = suggest(name, names)
        raise UserError(
            f"there is no component {name!r} in {target}",
            f"did you mean {near!r}?" if near else f"it has {one_of(names)}",
        )
    return tuple(
        finding for item in items for finding in _examined(item, given.get(item.descriptor.name, {}))
    )


def _examined(item: Provided, options: Mapping[str, Any]) -> Iterator[Finding]:
    try:
        target = item.load()
    except PluginError as error:
        yield Finding(item.title, "its target can be imported", str(error))
        return
    module = item.origin.module
    importable = bool(item.origin.distribution) and is_importable(module)
    subject = Subject(
        item.kind, item.descriptor, module if importable else "", _parsed(item, options), target
    )
    findings = [_tried(rule, subject) for rule in card.first_rules(subject)]
    yield from findings
    if findings[-1].kept:
        yield from (_tried(rule, subject) for rule in _rules_of(item.kind) if rule.applies(subject))


def _rules_of(kind: Kind) -> Sequence[Rule]:
    """The rules of a kind: `RULES` of the file in this package that bears its name."""
    rules: Sequence[Rule] = import_module(f"ssltoolbox.testing.{kind}").RULES
    return rules


def _tried(rule: Rule, subject: Subject) -> Finding:
    component = f"{subject.kind.singular} {subject.card.name!r}"
    try:
        rule.check(subject)
    except Breach as breach:
        return Finding(component, rule.title, str(breach))
    except Exception as error:
        return Finding(component, rule.title, f"`{subject.name}` raised {_where(error)}")
    return Finding(component, rule.title)


def _where(error: Exception) -> str:
    """An exception, and the last line of the plugin's or a library's code that it went through."""
    last = error.__traceback__
    assert last is not None
    while last.tb_next:
        last = last.tb_next
    code = last.tb_frame.f_code
    return f"{type(error).__name__}: {first_line(error)} ({code.co_filename}, line {last.tb_lineno})"


def _parsed(item: Provided, options: Mapping[str, Any]) -> Options:
    try:
        return item.descriptor.options.model_validate_json(json.dumps(options, default=str))
    except ValidationError as error:
        first = error.errors()[0]
        option = ".".join(map(str, first["loc"]))
        missing = first["type"] == "missing"
        raise UserError(
            f"{item.title}: option {option!r}: {first['msg']}",
            f"it has no default: give a value, such as --set {item.descriptor.name}.{option}=…"
            if missing
            else f"see: ssltoolbox plugins show {item.descriptor.name}",
        ) from error
