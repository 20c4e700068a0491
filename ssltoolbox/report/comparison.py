"""A comparison of runs: what their recipes differ in, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ssltoolbox.api import UserError
from ssltoolbox.report.files import Curve, RunFiles, open_files
from ssltoolbox.report.page import Picture, claim_of, facts_of, pairs_of
from ssltoolbox.report.plots import curves_plot, runs_plot
from ssltoolbox.report.recipe import OptionDifference, differences
from ssltoolbox.report.results import Result, notes_on, results_of
from ssltoolbox.report.templates import html_template
from ssltoolbox.report.training import groups_of
from ssltoolbox.support.words import counted
from ssltoolbox.tasks.words import column_words

TEMPLATE = "comparison.html.j2"
NOT_COMPARED = frozenset(("name", "recipe"))
"""Keys of a recipe that are no options of its run."""


@dataclass(frozen=True)
class Score:
    """One metric of the runs.

    Attributes:
        first: the result of the first run that has it; it has the metric's names.
        results: of each run; None where it lacks the metric.
    """

    first: Result
    results: tuple[Result | None, ...]


@dataclass(frozen=True)
class RunComparison:
    """Several runs.

    Attributes:
        names: of the runs, each one once.
        runs: their files.
        differences: of their recipes.
        scores: of all metrics that any of them has.
    """

    names: tuple[str, ...]
    runs: tuple[RunFiles, ...]
    differences: tuple[OptionDifference, ...]
    scores: tuple[Score, ...]

    @property
    def notes(self) -> list[str]:
        """Notes on the metrics and the data, each once."""
        notes = [note for run in self.runs for note in (*notes_on(run.evaluation), run.data_note) if note]
        return list(dict.fromkeys(notes))


def compare(folders: Sequence[Path]) -> RunComparison:
    """
    Raises:
        UserError: where a folder is not a run folder, or has damaged files, or is named twice.
    """
    if len(folders) < 2:
        raise UserError("a comparison needs two runs or more")
    runs = tuple(map(open_files, folders))
    recipes = [{key: run.recipe[key] for key in run.recipe.keys() - NOT_COMPARED} for run in runs]
    ordered = [
        {key: recipe[key] for key in run.recipe if key in recipe}
        for run, recipe in zip(runs, recipes, strict=True)
    ]
    return RunComparison(_names(folders, runs), runs, tuple(differences(ordered)), tuple(_scores(runs)))


def render_comparison(comparison: RunComparison) -> str:
    """The page, as HTML that needs no other file."""
    runs = dict(zip(comparison.names, comparison.runs, strict=True))
    return html_template(TEMPLATE).render(
        title=f"{', '.join(runs)}: comparison of runs",
        name="Comparison of runs",
        claim=f"{counted(len(runs), 'run')}: {', '.join(runs)}.",
        notes=[],
        facts=[],
        seconds_to_reload=None,
        runs=[
            (name, claim_of(run, results_of(run.evaluation)), list(facts_of(run)))
            for name, run in runs.items()
        ],
        names=comparison.names,
        differences=comparison.differences,
        scores=comparison.scores,
        score_pictures=list(_score_pictures(comparison)),
        result_notes=comparison.notes,
        curves=list(_curve_pictures(runs)),
        pairs=[(name, source) for name, run in runs.items() if (source := pairs_of(run))],
    )


def _names(folders: Sequence[Path], runs: Sequence[RunFiles]) -> tuple[str, ...]:
    """The recipes' names; with the folders' names or paths where these are the same.

    A folder's name that begins with the recipe's, as in a benchmark, is enough by itself.

    Raises:
        UserError: where a folder is named twice.
    """
    paths = [folder.resolve() for folder in folders]
    for folder, path in zip(folders, paths, strict=True):
        if paths.count(path) > 1:
            raise UserError(f"{folder} is named twice")
    names = [run.name for run in runs]
    for longer in ([path.name for path in paths], [str(folder) for folder in folders]):
        if len(set(names)) == len(names):
            break
        names = [
            text if text.startswith(run.name) else f"{run.name} ({text})"
            for run, text in zip(runs, longer, strict=True)
        ]
    return tuple(names)


def _scores(runs: Sequence[RunFiles]) -> Iterator[Score]:
    tables = [{_key(result): result for result in results_of(run.evaluation)} for run in runs]
    for key in dict.fromkeys(key for table in tables for key in table):
        results = tuple(table.get(key) for table in tables)
        yield Score(next(result for result in results if result), results)


def _key(result: Result) -> tuple[str, str]:
    return result.task, result.metric.key


def _score_pictures(comparison: RunComparison) -> Iterator[Picture]:
    for score in comparison.scores:
        measured = {
            name: result for name, result in zip(comparison.names, score.results, strict=True) if result
        }
        words = "; ".join(f"{name} {result.text(result.trained)}" for name, result in measured.items())
        colours = [comparison.names.index(name) for name in measured]
        title = f"{score.first.label} {score.first.metric_label}"
        yield Picture(
            runs_plot(measured, colours), title, words, "A dot for each run, with its 95% interval."
        )


def _curve_pictures(runs: Mapping[str, RunFiles]) -> Iterator[Picture]:
    """One picture for each column of metrics.csv, with a curve for each run that has it."""
    groups: dict[str, tuple[str, str, bool]] = {}
    curves: dict[str, dict[str, Curve]] = {}
    for name, run in runs.items():
        for group, found in groups_of(run.metrics):
            for column, curve in found.items():
                title = group.title if len(group.columns) == 1 else f"{group.title}: {column_words(column)}"
                groups.setdefault(column, (title, group.reading, group.from_zero))
                curves.setdefault(column, {})[name] = curve
    for column, (title, reading, from_zero) in groups.items():
        own = curves[column]
        words = "; ".join(f"{name} ends at {curve.values[-1]:.3g}" for name, curve in own.items())
        colours = [list(runs).index(name) for name in own]
        yield Picture(curves_plot(own, from_zero, colours), title, words, reading)
