"""A page for each component of ssltoolbox, from its descriptor. The page of a method gets its options.

Text comes from, in this order: `texts/KIND.md`, the README of the plugin, the docstring of the options.
A picture comes from `docs/figures/components/KIND-NAME`, a PNG with faces or an SVG whose title describes it;
`docs/figures/draw.py` makes both.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from pathlib import Path

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from ssltoolbox.api import KINDS, Descriptor, Kind, Metric, Options
from ssltoolbox.cli.plugin_pages import options_of, recipe_example
from ssltoolbox.data.label_options import LabelColumn
from ssltoolbox.data.labelled.sets.base import PublishedOptions
from ssltoolbox.registry import Provided, discover

ROOT = Path(__file__).parents[2]
TEXTS = Path(__file__).parent / "texts"
SECTION = "Components"
"""The entry of the navigation that the pages are added to."""
OWN_DATA = ("synthetic_faces", "frames", "labelled")
"""Datasets for training and evaluation alike; the others are published sets."""
CLIP_TASK = "clip_expression"
TASKS = {"lfw": "verification", "dfew": CLIP_TASK, "ferv39k": CLIP_TASK, "mafw": CLIP_TASK}
"""Published set → the task that it is made for, where its labels don't say it."""


def on_config(config: MkDocsConfig) -> None:
    """Adds the pages to the navigation, a section for each kind."""
    (section,) = (entry[SECTION] for entry in config.nav if SECTION in entry)
    for kind in KINDS.values():
        if pages := [{item.descriptor.name: _path(item)} for item in _shipped(kind)]:
            section.append({_heading(kind): pages})


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages, and an overview of them. The pages of methods are files."""
    files.append(File.generated(config, "components/index.md", content=_overview()))
    for kind in KINDS.values():
        for item in _shipped(kind):
            if files.get_file_from_path(_path(item)) is None:
                files.append(File.generated(config, _path(item), content=_page(item)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Adds what the descriptor says to the page of a method."""
    methods = {_path(item): item for item in _shipped(Kind.METHODS)} if page.file.generated_by is None else {}
    item = methods.get(page.file.src_uri)
    return f"{markdown}\n\n{_facts(item)}" if item else markdown


_registry = cache(discover)


def _shipped(kind: Kind) -> list[Provided]:
    items = (item for item in _registry().all() if item.kind == kind)
    return [item for item in items if item.origin.distribution == "ssltoolbox"]


def _path(item: Provided) -> str:
    """Where the page is, below `docs/`."""
    written = Path("methods", f"{item.descriptor.name}.md")
    if item.kind == Kind.METHODS and (ROOT / "docs" / written).is_file():
        return written.as_posix()
    return f"components/{item.kind.name}/{item.descriptor.name}.md"


def _heading(kind: Kind) -> str:
    return kind.name.replace("_", " ").capitalize()


def _overview() -> str:
    """All components, by kind."""
    lines = [
        "# Components",
        "",
        "Everything that a recipe can name. Each page has the options and an example.",
        "",
    ]
    for kind in KINDS.values():
        if items := _shipped(kind):
            section = f"Section `{kind.section}` of a recipe." if kind.section else "For `ssltoolbox data`."
            more = f"[Write your own](../plugins/{kind.name}.md)."
            lines += [
                f"## {_heading(kind)}",
                "",
                f"{section} {more}",
                "",
                "| name | what it does |",
                "|---|---|",
            ]
            lines += [
                f"| [{item.descriptor.name}](../{_path(item)}) | {item.descriptor.summary} |"
                for item in items
            ]
            lines.append("")
    return "\n".join(lines)


def _page(item: Provided) -> str:
    """The page of a component that has no page of its own."""
    card = item.descriptor
    return "\n\n".join((f"# {card.name}", card.summary, *_picture(item), _text(item), _facts(item)))


def _picture(item: Provided) -> Iterator[str]:
    """The picture of the component."""
    name = f"figures/components/{item.kind.name}-{item.descriptor.name}"
    if (ROOT / "docs" / f"{name}.png").is_file():
        words = f"The {item.kind.singular} {item.descriptor.name} on drawn faces. {item.descriptor.summary}"
        yield f"![{words}](../../{name}.png)"
    drawn = ROOT / "docs" / f"{name}.svg"
    if drawn.is_file() and (title := re.search("<title>(.*?)</title>", drawn.read_text(encoding="utf-8"))):
        yield f"![{title[1]}](../../{name}.svg)"


def _text(item: Provided) -> str:
    """What the component does, at length."""
    written = TEXTS / f"{item.kind.name}.md"
    if written.is_file():
        sections = re.split(r"^## (.*)\n", written.read_text(encoding="utf-8"), flags=re.MULTILINE)
        texts = dict(zip(sections[1::2], sections[2::2], strict=True))
        if item.descriptor.name in texts:
            return texts[item.descriptor.name].strip()
    readme = ROOT / "plugins" / item.origin.plugin / "README.md"
    if readme.is_file() and item.origin.plugin == item.descriptor.name:
        return _with_formulas(readme.read_text(encoding="utf-8").partition("\n")[2].strip())
    return _docstring(item.descriptor.options)


def _with_formulas(text: str) -> str:
    """LaTeX between `$$` as MathML, which browsers show without a script."""

    def drawn(match: re.Match[str]) -> str:
        parts = (convert(part, display="block") for part in match[1].split(r"\qquad"))
        return "".join(f'<div class="formula">{part}</div>' for part in parts)

    return re.sub(r"\$\$(.+?)\$\$", drawn, text, flags=re.DOTALL)


def _docstring(options: type[Options]) -> str:
    """What the docstring of the options says, up to its first section; nothing if they have none of their own."""
    if not options.__dict__.get("__doc__"):
        return ""
    text = re.split(
        r"^(?:Args|Attributes|Raises|Examples|Source):", inspect.getdoc(options) or "", flags=re.M
    )[0]
    return text.strip()


def _facts(item: Provided) -> str:
    """Notice, needs, an example and the options."""
    card = item.descriptor
    parts = [_labels(card.options.labels)] if issubclass(card.options, PublishedOptions) else []
    if item.kind.section:
        parts += ["## In a recipe", f"```yaml\n{recipe_example(item)}\n```"]
    if item.kind == Kind.DATASETS and card.name not in OWN_DATA:
        parts += ["To measure a task on it:", f"```yaml\nevaluate: [{_task_on(card)}]\n```"]
    if card.notice:
        parts.append(f'!!! warning "Licence"\n    {card.notice}')
    if card.needs:
        parts.append("Needs: " + ", ".join(f"`{need}`" for need in sorted(card.needs)) + ".")
    if metrics := getattr(card, "metrics", ()):
        parts += ["## Metrics", _metrics(metrics)]
    rows = list(options_of(item))
    parts.append("## All options" if rows else "It has no options.")
    if rows:
        table = "\n".join(f"| `{name}` | {_cell(kind)} | {_cell(text)} |" for name, kind, text in rows)
        parts.append(f"| option | value | what it is |\n|---|---|---|\n{table}")
    parts.append(f"Provided by the plugin `{item.origin.plugin}`, in `{card.target}`.")
    return "\n\n".join(parts)


def _labels(labels: Mapping[str, LabelColumn]) -> str:
    """The labels of a published set."""
    rows = "\n".join(f"| `{name}` | {_cell(_values(label))} |" for name, label in labels.items())
    return f"| label | values |\n|---|---|\n{rows}"


def _values(label: LabelColumn) -> str:
    """Such as "2 classes: calm, wild"."""
    if label.classes:
        names = label.classes.values() if isinstance(label.classes, Mapping) else label.classes
        classes = list(dict.fromkeys(names))
        return f"{len(classes)} classes: {', '.join(classes)}"
    what = "numbers" if label.kind == "number" else "yes or no"
    return f"{what} for each of {', '.join(label.columns)}" if label.columns else what


def _task_on(card: Descriptor) -> str:
    """A task as a recipe names it, with the dataset."""
    published = issubclass(card.options, PublishedOptions)
    label = next(iter(card.options.labels)) if published else "expression"
    task = {"valence": "valence_arousal", "aus": "multi_label, label: aus"}.get(label, label)
    task = TASKS.get(card.name, task)
    return f"{{name: {task}, data: {{name: {card.name}, root: …}}}}"


def _metrics(metrics: tuple[Metric, ...]) -> str:
    """The metrics of a task."""
    rows = (f"| {_cell(m.label or m.key)} | `{m.key}` | {m.better or '–'} |" for m in metrics)
    return "| metric | in `evaluation.json` | better |\n|---|---|---|\n" + "\n".join(rows)


def _cell(text: str) -> str:
    """A text for a cell of a table; its words in backticks stay code."""
    return escape(" ".join(text.split()), quote=False).replace("|", "\\|")
