"""The leaderboard as tables of texts, for the page and for table.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ssltoolbox.bench.comparisons import ComparedRecipes
from ssltoolbox.bench.leaderboard import Column, Leaderboard, Row
from ssltoolbox.bench.matrix import Matrix
from ssltoolbox.bench.results import INTERVAL, Bench
from ssltoolbox.bench.statistics import Difference
from ssltoolbox.bench.words import difference_text, interval_text, point_text, spread_text
from ssltoolbox.report.templates import html_template, plain
from ssltoolbox.support.words import MISSING, bytes_text, duration_text

READING = (
    "Mean ± standard deviation over the runs of a recipe (seeds and points of the sweep). An arrow shows the "
    "better direction."
)
VARIANTS = (
    "Mean ± standard deviation over the runs of each recipe with each variant. In brackets: the paired difference "
    "to the variant that it extends, or to the recipe without changes. Bold: its 95% interval does not contain 0."
)
DIFFERENCES = f"Mean of the differences, {INTERVAL}. Bold: the interval does not contain 0."
COSTS = (
    "Means over the runs. Images per second in training count both views. Memory is that of the largest process "
    "of a run. Time is wall time, with the evaluation."
)


@dataclass(frozen=True)
class TableCell:
    """A text of a table.

    Attributes:
        text: plain text, which may come from the user.
        detail: a text below it; may be empty.
        clear: whether it is a difference whose interval does not contain 0.
    """

    text: str
    detail: str = ""
    clear: bool = False


@dataclass(frozen=True)
class TextTable:
    """Rows of texts under a head; the first column has names, the others numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]

    def _repr_html_(self) -> str:
        """The table, for notebooks."""
        return html_template("table.html.j2", "ssltoolbox.bench").render(table=self)


def results_table(board: Leaderboard) -> TextTable:
    """Mean and spread of every metric of every recipe."""
    return TextTable(
        ("recipe", "runs", *(column.label for column in board.columns)),
        tuple(
            (
                TableCell(row.recipe),
                TableCell(str(row.runs)),
                *(_result(row, column) for column in board.columns),
            )
            for row in board.rows
        ),
    )


def differences_table(board: Leaderboard) -> TextTable | None:
    """The paired differences to the baseline; None where nothing is compared."""
    rows = []
    for row in board.rows:
        differences = {
            column: cell.to_baseline for column, cell in row.cells.items() if cell.to_baseline is not None
        }
        if differences:
            rows.append((row.recipe, differences))
    return _paired("recipe", rows, board.columns) if rows else None


def comparisons_table(compared: Iterable[ComparedRecipes], columns: Sequence[Column]) -> TextTable:
    """The paired differences of the grid's pairs of recipes."""
    rows = [(f"{each.recipe} minus {each.other}", each.differences) for each in compared]
    return _paired("difference", rows, columns)


def matrix_table(matrix: Matrix) -> TextTable:
    """The recipes by the variants, with what each variant changes. The rows are the longer of the two lists."""
    cells = [
        [TableCell(recipe), *(_entry(matrix, recipe, variant) for variant in matrix.variants)]
        for recipe in matrix.recipes
    ]
    head = ["recipe", *(variant or "no changes" for variant in matrix.variants)]
    if len(matrix.variants) > len(matrix.recipes):
        cells = [list(row) for row in zip(map(TableCell, head), *cells, strict=True)]
        head, cells = ["variant", *matrix.recipes], cells[1:]
    return TextTable(tuple(head), tuple(map(tuple, cells)))


def costs_table(board: Leaderboard) -> TextTable:
    """What a run of each recipe took on average."""
    rows = []
    for row in board.rows:
        costs = {name: cost.mean for name, cost in row.costs.items()}
        rate = costs.get("images_per_s")
        texts = (
            row.recipe,
            MISSING if rate is None else f"{rate:,.0f}",
            bytes_text(costs.get("peak_memory")),
            bytes_text(costs.get("peak_gpu_memory")),
            duration_text(costs.get("seconds")),
        )
        rows.append(tuple(map(TableCell, texts)))
    return TextTable(("recipe", "images/s", "memory", "GPU memory", "time of a run"), tuple(rows))


def render_markdown(bench: Bench) -> str:
    """table.md: the leaderboard in Markdown, with notes on the numbers."""
    return "\n\n".join(_blocks(bench)) + "\n"


def _result(row: Row, column: Column) -> TableCell:
    return TableCell(spread_text(row.cells[column].of_runs) if column in row.cells else MISSING)


def _paired(
    what: str, rows: Iterable[tuple[str, Mapping[Column, Difference]]], columns: Sequence[Column]
) -> TextTable:
    """A row for each name with its differences, and the number of its pairs."""
    texts = []
    for name, differences in rows:
        pairs = max((difference.n for difference in differences.values()), default=0)
        cells = [_difference(differences.get(column)) for column in columns]
        texts.append((TableCell(name), TableCell(str(pairs)), *cells))
    return TextTable((what, "pairs", *(column.label for column in columns)), tuple(texts))


def _difference(difference: Difference | None) -> TableCell:
    if difference is None:
        return TableCell(MISSING)
    return TableCell(f"{difference.mean:+z.3f}", interval_text(difference), difference.is_clear)


def _entry(matrix: Matrix, recipe: str, variant: str | None) -> TableCell:
    entry = matrix.entries.get((recipe, variant))
    if entry is None:
        return TableCell(MISSING)
    gain = entry.gain
    return TableCell(
        spread_text(entry.of_runs), f"({difference_text(gain)})" if gain else "", bool(gain and gain.is_clear)
    )


def _blocks(bench: Bench) -> Iterator[str]:
    board = bench.overall
    yield f"# {plain(bench.name)}"
    yield _markdown(results_table(board))
    yield READING
    yield from map(plain, bench.notes)
    if matrices := bench.matrices:
        yield "## Variants"
        yield VARIANTS
    for matrix in matrices:
        yield f"### {plain(matrix.column.label)}"
        yield _markdown(matrix_table(matrix))
    if differences := differences_table(board):
        yield f"## Difference to {plain(str(board.baseline))}"
        yield _markdown(differences)
        yield DIFFERENCES
    if compared := bench.comparisons:
        yield "## Compared recipes"
        yield _markdown(comparisons_table(compared, board.columns))
        yield DIFFERENCES
    for point, its_board in bench.by_point:
        yield f"## {plain(point_text(point))}"
        yield _markdown(results_table(its_board))
    yield "## Cost"
    yield _markdown(costs_table(board))
    yield COSTS
    if unfinished := bench.unfinished:
        yield "## Without results"
        yield "\n".join(f"- {plain(line)}" for line in unfinished)
    yield f"Code {plain(bench.code)}."


def _markdown(table: TextTable) -> str:
    rule = "|---|" + "---:|" * (len(table.head) - 1)
    rows = [f"| {' | '.join(map(_markdown_cell, row))} |" for row in table.rows]
    return "\n".join([f"| {' | '.join(map(plain, table.head))} |", rule, *rows])


def _markdown_cell(cell: TableCell) -> str:
    text = plain(f"{cell.text} {cell.detail}".rstrip())
    return f"**{text}**" if cell.clear else text
