"""A plan as a table that a person can read."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from ssltoolbox.api import Kind
from ssltoolbox.plan import Chosen, Plan


def plan_table(plan: Plan) -> Table:
    """What a run would do, without having imported anything heavy."""
    table = Table(
        title=plan.recipe.name, title_justify="left", title_style="bold", show_header=False, box=None
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _rows(plan):
        table.add_row(name, text)
    return table


def _rows(plan: Plan) -> Iterator[tuple[str, str]]:
    recipe, counts = plan.recipe, plan.counts
    yield "data", f"{_with_options(plan.data)}{_facts(plan)}"
    weights = recipe.backbone.weights or "random weights"
    yield "backbone", f"{recipe.backbone.name}, {weights}, {plan.image_size}×{plan.image_size} images"
    yield "method", _with_options(plan.method)
    for kind in (Kind.POSITIVE_GENERATORS, Kind.NEGATIVE_SAMPLERS, Kind.NEGATIVE_MASKERS):
        for chosen in plan.of(kind):
            yield kind.singular, _with_options(chosen)
    yield "views", _with_options(plan.views)
    if plan.trains:
        hard = f" and {counts.hard_negatives} hard negatives each" if counts.hard_negatives else ""
        yield (
            "a step",
            f"{counts.draws} clips{hard}: {counts.instances} instances, {counts.images} images"
            + (f", in {recipe.trainer.accumulate} micro-batches" if recipe.trainer.accumulate > 1 else ""),
        )
        if counts.steps_per_epoch:
            yield "the run", f"{counts.steps} steps, {counts.steps_per_epoch} an epoch, {counts.epochs:.4g} epochs"
        yield "learning rate", _learning_rate(plan)
    if recipe.evaluate:
        yield "evaluation", ", ".join(chosen.key for chosen in plan.of(Kind.EVALUATORS))


def _with_options(chosen: Chosen) -> str:
    options = chosen.options.model_dump(mode="json")
    shown = ", ".join(f"{name} {value}" for name, value in options.items())
    return f"{chosen.key} ({shown})" if shown else chosen.key


def _facts(plan: Plan) -> str:
    facts = plan.facts
    if facts is None:
        return ""
    extras = ["landmarks"] * facts.landmarks + sorted(facts.labels)
    return (
        f"\n{facts.clips} clips of {facts.identities} identities, {facts.frames} frames at {facts.fps:.4g} per "
        f"second, {facts.shortest} to {facts.longest} a clip" + (f"; with {', '.join(extras)}" if extras else "")
    )


def _learning_rate(plan: Plan) -> str:
    schedule, optim = plan.schedule, plan.recipe.optim
    text = f"{optim.name}, {schedule.lr:g}, {schedule.kind}"
    if schedule.warmup:
        text += f", {schedule.warmup} steps of warm-up"
    if schedule.steps:
        marks = sorted({0, schedule.warmup, schedule.steps // 2, schedule.steps - 1})
        text += "\n" + ", ".join(f"step {s}: {schedule.lr * schedule.factor(s):.3g}" for s in marks)
    return text
