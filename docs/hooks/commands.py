"""A page for each command, from click."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from inspect import cleandoc
from textwrap import dedent

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from ssltoolbox.cli.main import SECTIONS, commands

SECTION = "Commands"
"""The entry of the navigation that the pages are added to."""

EXAMPLE = "Example:"
"""The line above the commands of an example, in a help text."""


def on_config(config: MkDocsConfig) -> None:
    """Adds the pages to the navigation, in the order of a day's work."""
    (section,) = (entry[SECTION] for entry in config.nav if SECTION in entry)
    for heading, members in SECTIONS.items():
        section.append({heading: [{str(command.name): f"cli/{command.name}.md"} for command in members]})


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds a page for each command, and an overview of them."""
    files.append(File.generated(config, "cli/index.md", content=_overview()))
    for members in SECTIONS.values():
        for command in members:
            files.append(File.generated(config, f"cli/{command.name}.md", content=_page(command)))
    return files


def _overview() -> str:
    """All commands, by what they are for."""
    lines = ["# Commands", "", "`ssltoolbox COMMAND --help` prints the same in the terminal."]
    for heading, members in SECTIONS.items():
        lines += ["", f"## {heading}", "", "| command | what it does |", "|---|---|"]
        lines += [
            f"| [{command.name}]({command.name}.md) | {_cell(command.get_short_help_str(100))} |"
            for command in members
        ]
    return "\n".join(lines)


def _page(command: click.Command) -> str:
    """The page of a command, with a section for each of its subcommands."""
    program = click.Context(commands, info_name="ssltoolbox", **commands.context_settings)
    context = click.Context(command, info_name=command.name, parent=program)
    return "\n\n".join(_sections(command, context, 1))


def _sections(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    yield f"{'#' * level} {context.command_path}"
    yield from _help(command.help or "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            member = command.commands[name]
            yield from _sections(member, click.Context(member, info_name=name, parent=context), level + 1)
        return
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{context.command_path} {usage}\n```"
    records = filter(None, (parameter.get_help_record(context) for parameter in command.get_params(context)))
    rows = [(names, text) for names, text in records if text]
    table = "\n".join(f"| `{_cell(names)}` | {_cell(text)} |" for names, text in rows)
    if rows:
        yield f"| option | what it does |\n|---|---|\n{table}"


def _help(text: str) -> Iterator[str]:
    """The paragraphs of a help text. Those that keep their lines are examples or lists."""
    for paragraph in cleandoc(text).split("\n\n"):
        if not paragraph.startswith("\b"):
            yield escape(paragraph, quote=False)
            continue
        heading, *lines = paragraph.removeprefix("\b\n").splitlines()
        yield escape(heading, quote=False)
        if heading == EXAMPLE:
            yield "```sh\n" + dedent("\n".join(lines)) + "\n```"
        else:
            yield "\n".join(f"- {escape(item, quote=False)}" for item in _items(lines))


def _items(lines: list[str]) -> list[str]:
    """The items of a list; a line with a deeper indent continues the item above it."""
    items: list[str] = []
    for line in dedent("\n".join(lines)).splitlines():
        if line.startswith(" "):
            items[-1] += f" {line.strip()}"
        else:
            items.append(line)
    return items


def _cell(text: str) -> str:
    """A text for a cell of a table."""
    return escape(" ".join(text.split()), quote=False).replace("|", "\\|")
