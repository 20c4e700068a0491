"""The model card of an exported backbone: what it is, how to use it, what it was trained on, what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssltoolbox.report.files import RunFiles, read_run
from ssltoolbox.report.results import claim, notes_on, results_of, trained_for
from ssltoolbox.report.templates import markdown_template
from ssltoolbox.report.training import strategies_of


@dataclass(frozen=True)
class HeadFacts:
    """What a card says of a head.

    Attributes:
        task: whose head it is.
        protocol: how it was fitted.
        data: the dataset whose training split it was fitted to.
        columns: what it predicts, in order.
    """

    task: str
    protocol: str
    data: str
    columns: tuple[str, ...]


def render_card(
    run: Path,
    file: str,
    format_name: str,
    usage: str,
    image_size: int,
    weights_hash: str,
    head: HeadFacts | None = None,
) -> str:
    """Markdown with the front matter that model hubs read.

    Args:
        run: the folder of the run.
        file: the name of the exported file.
        format_name: what the file is for.
        usage: Python that loads it as `model`.
        image_size: height and width of the images that the network was trained on.
        weights_hash: SHA-256 of the weights.
        head: that the file holds with the backbone; None for the backbone alone.

    Raises:
        OSError, ValueError: when recipe.yaml is not there, or a file is damaged.
    """
    files = read_run(run)
    results = results_of(files.evaluation)
    return markdown_template("card.md.j2").render(
        name=files.recipe["name"],
        file=file,
        format=format_name,
        usage=usage,
        size=image_size,
        hash=weights_hash,
        head=head,
        backbone=files.recipe["backbone"]["name"],
        claim=claim(trained_for(files.recipe, files.trains), results),
        results=results,
        result_notes=notes_on(files.evaluation),
        data=list(_data(files)),
        note=files.data_note,
        method=files.recipe["method"]["name"],
        strategies=", ".join(strategies_of(files.recipe)) or "no strategies",
        notices=files.environment.get("notices"),
        recipe=_without_folders(files.recipe_text.rstrip(), files.recipe),
        packages=files.environment.get("packages", {}),
        started=files.environment.get("started", ""),
    )


def _without_folders(text: str, recipe: Any) -> str:
    """The text of a recipe, each absolute path cut to its last name, since other machines lack those folders."""
    for path in sorted(_absolute_paths(recipe), key=len, reverse=True):
        text = text.replace(path, Path(path).name)
    return text


def _absolute_paths(value: Any) -> Iterator[str]:
    if isinstance(value, str) and Path(value).is_absolute():
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _absolute_paths(item)


def _data(files: RunFiles) -> Iterator[tuple[str, str]]:
    yield "dataset", files.recipe["data"]["name"]
    facts = files.environment.get("data", {})
    for key in ("clips", "identities", "frames"):
        if key in facts:
            yield f"training {key}", f"{facts[key]:,}"
