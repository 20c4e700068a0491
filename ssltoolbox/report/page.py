"""The page, rendered from the files of the run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ssltoolbox.report.files import Curve, RunFiles, read_run
from ssltoolbox.report.plots import (
    columns_plot,
    confusion_plot,
    curves_plot,
    data_uri,
    map_plot,
    results_plot,
    roc_plot,
)
from ssltoolbox.report.recipe import marked_lines
from ssltoolbox.report.results import (
    Result,
    claim,
    how_measured,
    notes_on,
    results_of,
    task_words,
    trained_for,
)
from ssltoolbox.report.templates import html_template
from ssltoolbox.report.training import groups_of, strategies_of, strategy_counts
from ssltoolbox.support.words import duration_text
from ssltoolbox.tasks.words import column_words

TEMPLATE = "report.html.j2"
NOT_SHOWN = frozenset(("note", "terms", "classes", "max_frames", "notices", "trains", "steps", "ended")) | {
    "own_keys",
    "seconds",
    "parameters",
    "device",
}
"""Keys of environment.json that the page shows elsewhere."""
SECONDS_TO_RELOAD = 60
"""How long a browser shows the report of a run that still trains before it reads it again."""
NOT_COLOURS = frozenset(("method", "points", "names", "sheet_columns"))
"""Keys of embedding_map.json that are no groups; every other key has a group for each point."""
MOST_NAMED = 12
"""Identities that have names in a legend."""
_EMPTY: tuple[Any, ...] = (None, "", [], {})
"""Values that say nothing; the page leaves them out of a list."""


@dataclass(frozen=True)
class Picture:
    """An image of the page.

    Attributes:
        source: a data URI.
        title, reading: the heading, and how to read the image.
        words: a description for readers who can't see it.
    """

    source: str
    title: str
    words: str
    reading: str = ""


@dataclass(frozen=True)
class FeatureMap(Picture):
    """A map of the features.

    Attributes:
        places: where each point is, shares of the width and of the height.
        groups: the group of each point; -1 for none.
    """

    places: Sequence[tuple[float, float]] = ()
    groups: Sequence[int] = ()


@dataclass(frozen=True)
class ShownFace:
    """A frame, or a clip as a strip of frames.

    Attributes:
        source: a data URI.
        words: a description for readers who can't see it.
        frames: how many stand side by side.
    """

    source: str
    words: str
    frames: int = 1


@dataclass(frozen=True)
class ShownMistake:
    """A class that was taken for another one.

    Attributes:
        title, reading: the classes, and how often.
        faces: what was mistaken.
    """

    title: str
    reading: str
    faces: Sequence[ShownFace]


def render_report(folder: Path) -> str:
    """The report of the run in a folder, as HTML that needs no other file.

    Args:
        folder: holds recipe.yaml; and environment.json, metrics.csv, evaluation.json, mistakes.json,
            embedding_map.json, pictures.png with pictures.json, and pairs.png, where the run has them.

    Raises:
        OSError, ValueError: when recipe.yaml is not there, or a file is damaged.
    """
    files = read_run(folder)
    results = results_of(files.evaluation)
    name = files.recipe["name"]
    recipe = marked_lines(files.recipe_text, files.environment.get("own_keys", ()))
    return html_template(TEMPLATE).render(
        name=name,
        title=f"{name}: report of a run",
        seconds_to_reload=None if files.is_finished else SECONDS_TO_RELOAD,
        claim=claim_of(files, results),
        notes=[files.data_note] if files.data_note else [],
        facts=list(facts_of(files)),
        results=results,
        result_notes=notes_on(files.evaluation),
        results_picture=_results_picture(results, name),
        confusions=[
            *_confusions(files.evaluation),
            *_columns(files.evaluation, name),
            *_rocs(files.evaluation, name),
        ],
        mistakes=list(_mistakes(files)),
        curves=list(_curve_pictures(files.metrics)),
        maps=list(_maps(files.embedding_map)),
        map_method=files.embedding_map.get("method", ""),
        map_frames=list(_map_frames(files.embedding_map)),
        map_columns=files.embedding_map.get("sheet_columns"),
        map_faces=data_uri(files.map_faces, "image/jpeg") if files.map_faces else "",
        pairs=pairs_of(files),
        pictures=data_uri(files.pictures, "image/png") if files.pictures else "",
        pictures_words=", ".join(files.pictures_about.get("columns", ())),
        pictures_note=files.pictures_about.get("note", ""),
        strategies=strategies_of(files.recipe),
        strategy_counts=list(strategy_counts(files.metrics)),
        recipe=recipe,
        has_own_lines=any(is_own for _, is_own in recipe),
        environment=list(_environment(files.environment)),
    )


def claim_of(files: RunFiles, results: Sequence[Result]) -> str:
    """What the run has shown, or how far it is, in one sentence."""
    if files.is_finished:
        return claim(trained_for(files.recipe, files.trains), results)
    steps = files.environment.get("steps")
    whole = f" of {steps:,}" if steps else ""
    probes = [
        f"{column_words(name)} {curve.values[-1]:.2f}"
        for name, curve in files.metrics.items()
        if name.startswith("probe_")
    ]
    found = f"; the last probe gave {', '.join(probes)}" if probes else ""
    return f"Not finished: step {files.last_step:,}{whole}{found}."


def pairs_of(files: RunFiles) -> str:
    """The picture of sampled pairs as a data URI; empty for none."""
    return data_uri(files.pairs, "image/png") if files.pairs else ""


def facts_of(files: RunFiles) -> Iterator[tuple[str, str]]:
    """The run at a glance."""
    recipe = files.recipe
    yield "method", recipe["method"]["name"]
    yield "strategies", ", ".join(strategies_of(recipe)) or "none"
    yield "data", recipe["data"]["name"]
    weights = recipe["backbone"].get("weights")
    yield "backbone", recipe["backbone"]["name"] + (f" from {weights}" if weights else "")
    if "parameters" in files.environment:
        yield "parameters", f"{files.environment['parameters'] / 1e6:,.1f} million"
    if "device" in files.environment:
        yield "device", files.environment["device"]
    if "seconds" in files.environment:
        yield "duration", duration_text(files.environment["seconds"])
    yield "seed", str(recipe["seed"])
    if "started" in files.environment:
        started = datetime.fromisoformat(files.environment["started"])
        yield "started", f"{started:%Y-%m-%d %H:%M %Z}"


def _results_picture(results: list[Result], name: str) -> Picture | None:
    if not results:
        return None
    words = "; ".join(
        f"{result.label} {result.metric_label} {result.text(result.trained)}" for result in results
    )
    return Picture(results_plot(results, name), "Versus an untrained network", words)


def _confusions(evaluation: Mapping[str, Any]) -> Iterator[Picture]:
    for task, numbers in evaluation.items():
        if "confusion" in numbers and "per_class" in numbers:
            names = list(numbers["per_class"])
            source = confusion_plot(names, numbers["confusion"])
            how = how_measured(numbers)
            title = f"Predictions for each {task_words(task)}" + (f" ({how})" if how else "")
            yield Picture(
                source, title, f"confusion matrix of {task}", "each row is a true class, and adds up to 100%"
            )


def _mistakes(files: RunFiles) -> Iterator[ShownMistake]:
    """The mistakes of all results; with the result's name where there are several."""
    results = {key: own for key, own in files.mistakes.items() if own and key in files.evaluation}
    for key, own in results.items():
        how = how_measured(files.evaluation[key])
        of = ", ".join(filter(None, [task_words(key) if len(results) > 1 else "", how]))
        for it in own:
            true, predicted = it["true"], it["predicted"]
            yield ShownMistake(
                f"{true} → {predicted}",
                f"{it['count']:,} of {it['of']:,} of this class" + (f"; {of}" if of else ""),
                [_face(face, f"{true}, predicted {predicted}") for face in it["faces"]],
            )


def _face(face: Mapping[str, Any], what: str) -> ShownFace:
    frames = face.get("frames", 1)
    words = f"identity {face['identity']}: {what}"
    if frames > 1:
        words = f"{frames} frames of a clip of {words}"
    return ShownFace(f"data:image/jpeg;base64,{face['jpeg']}", words, frames)


def _columns(evaluation: Mapping[str, Any], name: str) -> Iterator[Picture]:
    """F1 of each column of a label with several columns."""
    for task, numbers in evaluation.items():
        if "per_column" in numbers:
            untrained = evaluation.get("random", {}).get(task, {}).get("per_column", {})
            found = {column: values["f1"] for column, values in numbers["per_column"].items()}
            others = {column: values["f1"] for column, values in untrained.items()}
            how = how_measured(numbers)
            title = f"F1 for each label of {task_words(task)}" + (f" ({how})" if how else "")
            words = "; ".join(f"{column} {value:.3f}" for column, value in found.items())
            yield Picture(columns_plot(found, others, name), title, words)


def _rocs(evaluation: Mapping[str, Any], name: str) -> Iterator[Picture]:
    for task, numbers in evaluation.items():
        if "roc" in numbers:
            source = roc_plot(numbers["roc"], evaluation.get("random", {}).get(task, {}).get("roc"), name)
            area = f", area {numbers['auc']:.3f}" if "auc" in numbers else ""
            words = f"ROC curve of {task}{area}"
            yield Picture(source, f"ROC curve of {task_words(task)}", words, "the diagonal is chance")


def _maps(found: Mapping[str, Any]) -> Iterator[FeatureMap]:
    """The same points, coloured by each label and by identity."""
    for label in _colours_of(found):
        groups = found[label]
        present = sorted(set(groups) - {-1})
        names = found.get("names", {}).get(label, ())
        if label == "identity" and len(present) <= MOST_NAMED:
            names = {identity: f"identity {identity}" for identity in present}
        source, places = map_plot(found["points"], groups, names)
        words = f"{len(groups)} frames in two dimensions, coloured by {label}, {len(present)} of them"
        yield FeatureMap(source, f"Coloured by {column_words(label)}", words, places=places, groups=groups)


def _map_frames(found: Mapping[str, Any]) -> Iterator[str]:
    """What is known of each point, in words."""
    labels = list(_colours_of(found))
    for values in zip(*(found[label] for label in labels), strict=True):
        yield "; ".join(
            f"{column_words(label)} {_group_name(found, label, value)}"
            for label, value in zip(labels, values, strict=True)
        )


def _colours_of(found: Mapping[str, Any]) -> list[str]:
    """The labels of the points, identity last."""
    labels = (name for name in found if name not in NOT_COLOURS)
    return sorted(labels, key=lambda name: name == "identity")


def _group_name(found: Mapping[str, Any], label: str, group: int) -> str:
    names = found.get("names", {}).get(label)
    if group < 0:
        return "unknown"
    return str(names[group] if names else group)


def _curve_pictures(metrics: Mapping[str, Curve]) -> Iterator[Picture]:
    for group, columns in groups_of(metrics):
        curves = {column_words(column): curve for column, curve in columns.items()}
        words = "; ".join(
            f"{name} from {curve.values[0]:.3g} at step {curve.steps[0]} to {curve.values[-1]:.3g} at step "
            f"{curve.steps[-1]}"
            for name, curve in curves.items()
        )
        yield Picture(curves_plot(curves, group.from_zero), group.title, words, group.reading)


def _environment(environment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in environment.items():
        if key not in NOT_SHOWN:
            yield key, shlex.join(value) if key == "command" else _words(value)


def _words(value: Any) -> str:
    """A plain value in words."""
    if isinstance(value, Mapping):
        shown = {name: item for name, item in value.items() if name not in NOT_SHOWN and item not in _EMPTY}
        return "; ".join(f"{name} {_words(item)}" for name, item in shown.items())
    if isinstance(value, list):
        return ", ".join(map(_words, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
