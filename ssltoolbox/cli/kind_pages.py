"""What a kind of plugin is for, and its contract, as `ssltoolbox.api` has it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

import ssltoolbox.api
from ssltoolbox.api import Kind
from ssltoolbox.cli.named_texts import NamedTexts
from ssltoolbox.cli.plugin_pages import add_fact, in_a_recipe
from ssltoolbox.registry import Registry
from ssltoolbox.scaffold import example_of


def kind_facts(registry: Registry, kind: Kind) -> dict[str, Any]:
    """A kind as plain data."""
    contract = getattr(ssltoolbox.api, kind.contract)
    about, example = _about_and_example(contract)
    singular = kind.singular.replace(" ", "_")
    return {
        "kind": kind.name,
        "about": kind.about,
        "hook": kind.hook,
        "descriptor": kind.descriptor.__name__,
        "options": kind.options.__name__,
        "section": kind.section,
        "recipe": _named(kind),
        "called": f"Target({', '.join(('options', *kind.arguments))})",
        "contract": f"ssltoolbox.api.{kind.contract}",
        "contract_says": about,
        "members": {name: _member(contract, name) for name in kind.members},
        "may_define": {name: _member(contract, name) for name in _others(contract, kind.members)},
        "may_also_follow": {name: _summary(getattr(ssltoolbox.api, name)) for name in kind.more_contracts},
        "example": example,
        "start": f"ssltoolbox plugins new my-{singular.replace('_', '-')} --kind {singular}",
        "examples": {name: example_of(kind, name).summary for name in kind.examples},
        "components": list(registry.names(kind)),
    }


def kind_page(facts: dict[str, Any]) -> RenderableType:
    """A kind as a person reads it."""
    card = NamedTexts()
    for name in ("hook", "descriptor", "options", "recipe", "called", "contract"):
        add_fact(card, name, facts[name])
    return Group(
        Text(facts["kind"], style="bold"),
        Text(facts["about"]),
        card,
        Text(f"\n{facts['contract_says']}"),
        *_section("members", _described(facts["members"])),
        *_section("it may also define", _described(facts["may_define"])),
        *_section("it may also follow", facts["may_also_follow"]),
        *_paragraph("for example", facts["example"]),
        *_paragraph("start with", facts["start"]),
        *_section("or from another --example", dict(list(facts["examples"].items())[1:])),
        *_paragraph("installed", ", ".join(facts["components"])),
    )


def _described(members: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {name: f"{member['signature']}\n{member['says']}".strip() for name, member in members.items()}


def _section(title: str, rows: Mapping[str, str]) -> Iterator[RenderableType]:
    """A heading and a table; nothing for no rows."""
    if rows:
        table = NamedTexts()
        for name, text in rows.items():
            table.add(f"  {name}", text)
        yield Text(title, style="bold")
        yield table


def _paragraph(title: str, text: str) -> Iterator[RenderableType]:
    """A heading and a text; nothing for an empty one."""
    if text:
        yield Text(title, style="bold")
        yield Padding(Text(text), (0, 0, 0, 2))


def _named(kind: Kind) -> str:
    """How components of a kind are named, such as "maskers: [NAME, …]"."""
    if not kind.section:
        return f"named by commands, such as --{kind.singular.split()[-1]} NAME"
    return in_a_recipe(kind, "[NAME, {name: NAME, option: value}]" if kind.many else "NAME")


def _about_and_example(contract: type) -> tuple[str, str]:
    """A docstring's text, and the classes or functions that its examples define."""
    about, _, examples = (inspect.getdoc(contract) or "").partition("\nExamples:\n")
    paragraphs = [" ".join(text.split()) for text in about.split("\nAttributes:\n")[0].split("\n\n")]
    definitions = re.findall(
        r"^>>> ((?:class|def) .*\n(?:\.\.\. .*\n)+)", inspect.cleandoc(examples), re.MULTILINE
    )
    code = "\n".join(re.sub(r"^\.\.\. ", "", text, flags=re.MULTILINE) for text in definitions)
    return "\n\n".join(paragraphs), code.strip()


def _others(contract: type, members: Collection[str]) -> list[str]:
    """What a contract has besides what each object must have."""
    defined = dict.fromkeys((*inspect.get_annotations(contract), *vars(contract)))
    return [name for name in defined if not name.startswith("_") and name not in members]


def _member(contract: type, name: str) -> dict[str, str]:
    """The signature of what an object must have, and what it is for in one line."""
    member = inspect.getattr_static(contract, name, None)
    if callable(member):
        plain = str(inspect.signature(member)).replace("(self, ", "(").replace("(self)", "()")
        return {"signature": plain.replace("'", ""), "says": _summary(member)}
    annotation = inspect.get_annotations(contract).get(name, "")
    return {"signature": str(annotation), "says": ""}


def _summary(thing: Any) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
