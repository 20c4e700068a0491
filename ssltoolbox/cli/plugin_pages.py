"""Plugins and their components, as a person reads them in a terminal of 80 columns."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from ssltoolbox.api import KINDS, Kind, Need
from ssltoolbox.cli.named_texts import NamedTexts, two_columns
from ssltoolbox.cli.words import type_text
from ssltoolbox.recipe import value_text
from ssltoolbox.registry import DISABLE, LEAVE_ONE, Origin, Provided, Registry

if TYPE_CHECKING:
    from ssltoolbox.scaffold import NewPlugin
    from ssltoolbox.testing import Finding


SNIPPET_OPTIONS = 2
"""Options in the example of a component, unless it needs more."""


def registry_table(registry: Registry) -> NamedTexts:
    """Every component by kind, then the plugins that are broken or disabled. Other packages are named."""
    table = NamedTexts()
    for kind in KINDS.values():
        items = [item for item in registry.all() if item.kind == kind]
        rows = [(item.descriptor.name, _summary(registry, item), _package(item.origin)) for item in items]
        _add_section(table, kind.name.replace("_", " "), "bold", rows)
    broken = [(plugin.origin.plugin, plugin.reason, _package(plugin.origin)) for plugin in registry.broken]
    _add_section(table, "broken", "bold red", broken)
    disabled = [(origin.plugin, f"named in {DISABLE}", _package(origin)) for origin in registry.disabled]
    _add_section(table, "disabled", "bold yellow", disabled)
    return table


def component_page(registry: Registry, item: Provided) -> RenderableType:
    """One component: what it is, whether it can be used, where it comes from, and its options."""
    card = item.descriptor
    facts = NamedTexts()
    add_fact(facts, "kind", item.kind.singular)
    add_fact(facts, "state", _state(registry, item))
    add_fact(facts, "from", str(item.origin))
    add_fact(facts, "target", card.target)
    if card.needs:
        add_fact(facts, "needs", ", ".join(map(_need, sorted(card.needs))))
    if card.notice:
        add_fact(facts, "notice", card.notice)
    options = NamedTexts()
    for name, text, description in options_of(item):
        options.add(f"  {name}", f"{text}\n{description}".rstrip())
    heading = Text("no options" if options.is_empty else "options", style="bold")
    use = [Text("in a recipe", style="bold"), Text(f"  {recipe_example(item)}")] if item.kind.section else []
    return Group(Text(card.name, style="bold"), Text(card.summary), facts, *use, heading, options)


def plugin_page(registry: Registry, origin: Origin) -> RenderableType:
    """One plugin: its state, where it comes from, and what it provides."""
    facts = NamedTexts()
    add_fact(facts, "state", registry.state(origin))
    add_fact(facts, "from", str(origin))
    if origin.distribution:
        add_fact(facts, "module", origin.module)
    for item in registry.provided_by(origin):
        add_fact(facts, "provides", f"{item.title}: {item.descriptor.summary}")
    if plugin := registry.broken_plugin(origin):
        add_fact(facts, "reason", plugin.reason)
    return Group(Text(origin.plugin, style="bold"), facts)


def traceback_of(registry: Registry, origin: Origin) -> str:
    """Where a broken plugin failed; nothing for one that works, or that broke the contract of its hooks."""
    plugin = registry.broken_plugin(origin)
    return "\n" + "".join(traceback.format_exception(plugin.error)) if plugin and plugin.error else ""


def findings_page(findings: Sequence[Finding]) -> RenderableType:
    """The rules that were tried, by component, with advice beneath those that are broken."""
    parts: list[RenderableType] = []
    for component, group in groupby(findings, key=lambda finding: finding.component):
        rules = two_columns()
        for finding in group:
            rules.add_row(_mark(finding), Text(finding.rule))
            if finding.advice:
                rules.add_row("", Text(finding.advice, style="red"))
        parts += [Text(component, style="bold"), rules]
    return Group(*parts, _verdict(findings))


def next_steps(made: NewPlugin, kind: Kind) -> str:
    """What to do with a package that was made."""
    return f"""\
{made.folder}/ is a complete package, a copy of {made.example}. Next:
  cd {made.folder}
  pip install -e '.[dev]'
  python -m pytest
  ssltoolbox plugins check {made.package}
{_use(made.package, kind)}"""


def add_fact(facts: NamedTexts, name: str, text: str) -> None:
    """Adds a row to the facts of a component or plugin."""
    facts.add(f"  {name}", text, style="dim")


def in_a_recipe(kind: Kind, value: str) -> str:
    """How a recipe writes the section of a kind, such as "trainer: {loggers: [mine]}"."""
    *outer, key = kind.path
    return "".join(f"{section}: {{" for section in outer) + f"{key}: {value}" + "}" * len(outer)


def _need(need: Need) -> str:
    """Such as "label 'au12'" for `label:au12`."""
    what, _, name = need.partition(":")
    return f"{what} {name!r}" if name else f"{what} in the data"


def recipe_example(item: Provided) -> str:
    """How a recipe names the component, with the options that it needs or that have an example, and the first
    others with their defaults."""
    schema = item.descriptor.options.model_json_schema()
    properties = schema.get("properties", {})
    needed = [
        f"{name}: {value_text(option['examples'][0]) if 'examples' in option else '…'}"
        for name, option in properties.items()
        if name in schema.get("required", ()) or "examples" in option
    ]
    usual = [
        f"{name}: {value_text(option['default'])}"
        for name, option in properties.items()
        if isinstance(option.get("default"), bool | int | float | str)
    ]
    shown = [*needed, *usual[: max(0, SNIPPET_OPTIONS - len(needed))]]
    if item.kind.nested and shown:
        shown = [f"options: {{{', '.join(shown)}}}"]
    component = f"{{{', '.join([f'name: {item.descriptor.name}', *shown])}}}"
    return in_a_recipe(item.kind, f"[{component}]" if item.kind.many else component)


def _use(name: str, kind: Kind) -> str:
    if not kind.section:
        return f"Then use it:\n  ssltoolbox data landmarks INDEX --detector {name}"
    return f"Then use it in a recipe:\n  {in_a_recipe(kind, f'[{name}]' if kind.many else name)}"


def _verdict(findings: Sequence[Finding]) -> Text:
    """Such as "1 of 13 rules broken, 2 not tried"."""
    broken = sum(bool(finding.advice) for finding in findings)
    untried = sum(not finding.tried for finding in findings)
    kept = len(findings) - broken - untried
    counted = f"{broken} of {len(findings)} rules broken" if broken else f"all {kept} rules kept"
    more = f", {untried} not tried" if untried else ""
    return Text(counted + more, style="bold red" if broken else "bold")


def _mark(finding: Finding) -> Text:
    if not finding.tried:
        return Text("–", style="dim")
    return Text("✗", style="red") if finding.advice else Text("✓", style="green")


def _add_section(table: NamedTexts, title: str, style: str, rows: list[tuple[str, str, str]]) -> None:
    if rows:
        table.add_heading(title, style)
    for name, text, package in rows:
        table.add(f"  {name}", Text(text).append(f" [{package}]" if package else "", "dim"))


def _summary(registry: Registry, item: Provided) -> str:
    return item.descriptor.summary + (" PROVIDED TWICE: can't be used." if registry.rivals(item) else "")


def _package(origin: Origin) -> str:
    """The package or file that a plugin comes from; nothing for this one."""
    if origin.distribution == "ssltoolbox":
        return ""
    return f"{origin.distribution} {origin.version}" if origin.distribution else origin.module


def _state(registry: Registry, item: Provided) -> str:
    rivals = " and ".join(str(other.origin) for other in registry.rivals(item))
    return f"can't be used: {rivals} provides it too; {LEAVE_ONE}" if rivals else "ok"


def options_of(item: Provided) -> Iterator[tuple[str, str, str]]:
    """Name, type with default, and description of each option."""
    schema = item.descriptor.options.model_json_schema()
    for name, option in schema.get("properties", {}).items():
        absent = "required" if name in schema.get("required", ()) else "optional"
        default = f"default {value_text(option['default'])}" if "default" in option else absent
        text = f"{type_text(option, schema.get('$defs', {}))}; {default}"
        yield name, text, " ".join(option.get("description", "").split())
