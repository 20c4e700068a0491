"""`ssltoolbox plugins`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ssltoolbox.cli.common import InOrder, LocalPath, no_url
from ssltoolbox.cli.output import new_console

if TYPE_CHECKING:
    from ssltoolbox.api import Kind

FILES = click.option(
    "--file",
    "files",
    multiple=True,
    type=LocalPath(exists=True, dir_okay=False),
    help="Also load the plugins of this Python file; may be repeated.",
)
SET_OPTION = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="NAME.OPTION=VALUE",
    help="Set an option of a component, such as mask_fn.descriptor=geometry; may be repeated.",
)
JSON = click.option("--json", is_flag=True, help="Print JSON.")


@click.group(cls=InOrder)
def plugins() -> None:
    """List plugins; make and check one of your own."""


@plugins.command("list")
@FILES
@JSON
@click.option("--strict", is_flag=True, help="Exit with 1 if a plugin is broken.")
def list_(files: tuple[Path, ...], json: bool, strict: bool) -> int:
    """List all components that a recipe can name.

    Plugins that can't be loaded are listed with the reason.
    """

    from ssltoolbox.cli.plugin_facts import registry_facts
    from ssltoolbox.cli.plugin_pages import registry_table
    from ssltoolbox.registry import discover

    registry = discover(path.absolute() for path in files)
    if json:
        _print_json(registry_facts(registry))
    else:
        new_console().print(registry_table(registry))
    return int(strict and bool(registry.broken))


@plugins.command()
@click.argument("name")
@FILES
@JSON
def show(name: str, files: tuple[Path, ...], json: bool) -> None:
    """Show a component, a plugin or a kind of plugin.

    NAME is a component, such as face_swap, a plugin, or a kind, such as negative_maskers. The command prints
    options, origin and contract.

    \b
    Example:
        ssltoolbox plugins show face_swap
    """

    from ssltoolbox.api import UserError
    from ssltoolbox.api.suggest import did_you_mean
    from ssltoolbox.cli.kind_pages import kind_facts, kind_page
    from ssltoolbox.cli.plugin_facts import component_facts, plugin_facts
    from ssltoolbox.cli.plugin_pages import component_page, plugin_page, traceback_of
    from ssltoolbox.registry import discover

    registry = discover(path.absolute() for path in files)
    components = registry.find(name)
    kind = None if components else _kinds_by_word().get(_plain(name))
    plugins = () if components else registry.plugins(name)
    if not components and not plugins and not kind:
        hint = did_you_mean(name, {*registry.all_names(), *_kinds_by_word()})
        advice = "see: ssltoolbox plugins list; one in a file needs --file FILE"
        raise UserError(f"no plugin, component or kind is called {name!r}", hint or advice)
    kinds = [kind_facts(registry, kind)] if kind else []
    if json:
        facts = [component_facts(registry, item, with_options=True) for item in components]
        _print_json([*kinds, *facts, *(plugin_facts(registry, origin) for origin in plugins)])
        return
    console = new_console()
    pages = [kind_page(each) for each in kinds] + [component_page(registry, item) for item in components]
    for number, page in enumerate(pages):
        if number:
            console.print()
        console.print(page)
    for origin in plugins:
        if pages:
            console.print()
        console.print(plugin_page(registry, origin))
        click.echo(traceback_of(registry, origin), nl=False)


class NewCommand(click.Command):
    """`plugins new`, whose help lists the examples."""

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        from ssltoolbox.scaffold import examples

        rows = [(f"{kind.singular}: {example.name}", example.summary) for kind, example in examples()]
        with formatter.section("Examples, the default of a kind first"):
            formatter.write_dl(rows, col_max=50)


@plugins.command(cls=NewCommand)
@click.argument("name")
@click.option(
    "--kind",
    "kind_text",
    required=True,
    metavar="KIND",
    help="The kind of plugin: method, view, dataset and so on; see `plugins list`.",
)
@click.option("--example", default="", help="The example to start from [the smallest of the kind].")
def new(name: str, kind_text: str, example: str) -> None:
    """Make a package for a plugin of your own.

    The new folder NAME has one plugin and its tests, copied from an example that works.

    \b
    Example:
        ssltoolbox plugins new my-strategy --kind negative_masker
    """
    from ssltoolbox.cli.plugin_pages import next_steps
    from ssltoolbox.scaffold import new_plugin

    kind = _kind(kind_text)
    click.echo(next_steps(new_plugin(name, kind, Path(), example), kind))


@plugins.command()
@click.argument("target", callback=no_url)
@SET_OPTION
@click.option(
    "--data",
    metavar="DATASET",
    help="Test tasks on this dataset, '{name: frames, root: faces}', instead of random features.",
)
@click.option(
    "--recipe",
    type=LocalPath(),
    help="Take options, data, network and plugin files from this recipe.",
)
@click.option(
    "--backbone",
    default="",
    metavar="NAME",
    help="Test methods and tasks with this network of timm, such as vit_tiny_patch16_224 [a tiny one].",
)
@JSON
def check(
    target: str,
    overrides: tuple[str, ...],
    data: str | None,
    recipe: Path | None,
    backbone: str,
    json: bool,
) -> int:
    """Test a plugin against the contract of its kind.

    TARGET is a component, a plugin, a module, a Python file, or package.module:Class. The exit code is 1 if
    the plugin breaks a rule, and 2 if it can't be tested with the given arguments.

    \b
    Example:
        ssltoolbox plugins check my_strategy.py
    """
    from dataclasses import asdict

    from ssltoolbox.cli.plugin_pages import findings_page
    from ssltoolbox.recipe import options_from
    from ssltoolbox.testing import examine

    findings = examine(target, options_from(overrides), data=data, recipe=recipe, backbone=backbone)
    if json:
        _print_json([asdict(finding) for finding in findings])
    else:
        new_console().print(findings_page(findings))
    return int(any(finding.advice for finding in findings))


def _kind(text: str) -> Kind:
    """The kind that was meant, in the singular or the plural, or by its section of a recipe."""
    from ssltoolbox.api import KINDS, UserError
    from ssltoolbox.api.errors import one_of
    from ssltoolbox.api.suggest import did_you_mean

    kinds = _kinds_by_word()
    if _plain(text) not in kinds:
        singular = {kind.singular.replace(" ", "_") for kind in KINDS.values()}
        hint = did_you_mean(text, singular) or f"write {one_of(singular)}"
        raise UserError(f"there is no kind {text!r}", hint)
    return kinds[_plain(text)]


def _kinds_by_word() -> dict[str, Kind]:
    """The kinds by what they are called: in the plural, in the singular, by their section of a recipe."""
    from ssltoolbox.api import KINDS

    words = {kind.section: kind for kind in KINDS.values() if kind.section}
    words |= {kind.singular.replace(" ", "_"): kind for kind in KINDS.values()}
    return words | dict(KINDS)


def _plain(word: str) -> str:
    return word.replace("-", "_").replace(" ", "_")


def _print_json(data: Any) -> None:
    click.echo(json_module.dumps(data, indent=2, ensure_ascii=False))
