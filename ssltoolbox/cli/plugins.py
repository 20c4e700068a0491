"""`ssltoolbox plugins`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ssltoolbox.registry import Provided, Registry

FILES = click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Also take the plugins of this Python file; may be repeated.",
)
JSON = click.option("--json", is_flag=True, help="Print JSON.")


@click.group()
def plugins() -> None:
    """What is installed: methods, strategies, datasets, views, evaluators."""


@plugins.command("list")
@FILES
@JSON
@click.option("--strict", is_flag=True, help="Exit with 1 if a plugin is broken.")
def list_(files: tuple[Path, ...], json: bool, strict: bool) -> int:
    """List all components, and the plugins that are broken with the reason."""
    from ssltoolbox.registry import discover

    registry = discover(path.absolute() for path in files)
    if json:
        click.echo(json_module.dumps(_as_json(registry), indent=2))
    else:
        _print_list(registry)
    return int(strict and bool(registry.broken))


@plugins.command()
@click.argument("name")
@FILES
@JSON
def show(name: str, files: tuple[Path, ...], json: bool) -> None:
    """Show the component NAME: where it comes from, and its options with their defaults."""
    from ssltoolbox.api import UserError
    from ssltoolbox.registry import discover

    registry = discover(path.absolute() for path in files)
    found = [item for item in registry.all() if item.descriptor.name == name]
    if not found:
        raise UserError(f"no plugin provides {name!r}", "see: ssltoolbox plugins list")
    if json:
        click.echo(json_module.dumps([_component(item, with_options=True) for item in found], indent=2))
        return
    for item in found:
        _print_component(item)


def _as_json(registry: Registry) -> dict[str, Any]:
    return {
        "components": [_component(item) for item in registry.all()],
        "broken": [{**vars(plugin.origin), "reason": plugin.reason} for plugin in registry.broken],
    }


def _component(item: Provided, with_options: bool = False) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": item.descriptor.name,
        "kind": item.kind.value,
        "summary": item.descriptor.summary,
        **vars(item.origin),
    }
    if with_options:
        facts["options"] = item.descriptor.options.model_json_schema().get("properties", {})
    return facts


def _print_list(registry: Registry) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=None, pad_edge=False)
    for column in ("name", "kind", "what it does", "from"):
        table.add_column(column, overflow="fold")
    for item in registry.all():
        origin = f"{item.origin.distribution} {item.origin.version}".strip() or item.origin.module
        table.add_row(item.descriptor.name, item.kind.singular, item.descriptor.summary, origin)
    console.print(table)
    for plugin in registry.broken:
        console.print(f"broken: {plugin.origin}: {plugin.reason}", style="red", markup=False, highlight=False)


def _print_component(item: Provided) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    console.print(f"[bold]{item.descriptor.name}[/bold], a {item.kind.singular}: {item.descriptor.summary}")
    console.print(f"{item.origin}, {item.descriptor.target}", markup=False)
    for name, facts in item.descriptor.options.model_json_schema().get("properties", {}).items():
        default = json_module.dumps(facts["default"]) if "default" in facts else "required"
        console.print(f"  {name}: {default}", markup=False)
        if "description" in facts:
            console.print(f"      {facts['description']}", markup=False)
