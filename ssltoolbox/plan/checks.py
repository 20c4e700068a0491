"""What is wrong between the parts of a recipe, each of which is right by itself."""

from __future__ import annotations

from collections.abc import Iterator

from ssltoolbox.api import Kind, Setting
from ssltoolbox.plan.choose import SECTIONS
from ssltoolbox.plan.plan import Chosen, Plan
from ssltoolbox.recipe import LoadedRecipe, Place, RecipeProblem

STRATEGIES = (Kind.POSITIVE_GENERATORS, Kind.NEGATIVE_SAMPLERS, Kind.NEGATIVE_MASKERS)


def cross_checks(plan: Plan, loaded: LoadedRecipe) -> list[RecipeProblem]:
    """All problems between the parts of a plan."""
    problems = [*_idle_strategies(plan, loaded), *_needs(plan, loaded)]
    if plan.trains:
        sizes = list(_sizes(plan, loaded))
        problems += sizes
        if not sizes:
            problems += [*_own_checks(plan, loaded), *_warmup(plan, loaded)]
    return problems


def _idle_strategies(plan: Plan, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    """Strategies that the method can't use."""
    method = plan.method_descriptor
    if method.trains and method.negatives is not None:
        return
    useless = (Kind.NEGATIVE_SAMPLERS, Kind.NEGATIVE_MASKERS) if method.trains else STRATEGIES
    reason = "has no negatives" if method.trains else "doesn't train"
    for kind in useless:
        for index, chosen in enumerate(plan.of(kind)):
            yield RecipeProblem(
                loaded.node(SECTIONS[kind], index).place,
                f"{kind.singular} {chosen.key!r} can't act: method {method.name!r} {reason}",
                "take it out, or choose a method with negatives"
                if method.trains
                else "take it out, or choose a method that trains",
            )


def _needs(plan: Plan, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    """Components that need what the data lacks."""
    facts = plan.facts
    if facts is None:
        return
    has = {"landmarks": facts.landmarks, "labels": bool(facts.labels)}
    for kind, index, chosen in _all(plan):
        for need in sorted(chosen.descriptor.needs):
            if not has[need]:
                yield RecipeProblem(
                    _place(loaded, kind, index),
                    f"{kind.singular} {chosen.key!r} needs {need}, and the data has none",
                    "take it out, or choose data that has them",
                )


def _sizes(plan: Plan, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    """Whether the batch can be dealt, and whether the data can fill it."""
    counts, trainer = plan.counts, plan.recipe.trainer
    place = loaded.node("trainer", "batch_size").place
    devices = trainer.devices if isinstance(trainer.devices, int) else 1
    unit = (1 + counts.hard_negatives) * trainer.accumulate * devices * trainer.nodes
    if trainer.batch_size % unit:
        nearest = max(1, round(trainer.batch_size / unit)) * unit
        factors = {
            f"1 + {counts.hard_negatives} hard negatives": 1 + counts.hard_negatives,
            "micro-batches": trainer.accumulate,
            "processes": devices * trainer.nodes,
        }
        named = " × ".join(f"{value} ({name})" for name, value in factors.items() if value > 1)
        yield RecipeProblem(
            place,
            f"a batch of {trainer.batch_size} instances can't be divided by {named}",
            f"write batch_size: {nearest}",
        )
    elif plan.facts and counts.draws > plan.facts.clips:
        most = plan.facts.clips // (unit // (1 + counts.hard_negatives)) * unit
        yield RecipeProblem(
            place,
            f"a step draws from {counts.draws} clips, the data has {plan.facts.clips}",
            f"write batch_size: {most} or less" if most else "get more clips",
        )
    elif plan.method_descriptor.negatives == "batch" and counts.compared // devices // trainer.nodes < 2:
        yield RecipeProblem(
            place,
            f"{counts.compared} instances are compared at once; an instance needs others as negatives",
            "enlarge batch_size, or lower accumulate",
        )


def _own_checks(plan: Plan, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    """What the components say of themselves."""
    setting = Setting(
        data=plan.facts,
        instances=plan.counts.compared,
        draws=plan.counts.draws // plan.recipe.trainer.accumulate,
        hard_negatives=plan.counts.hard_negatives,
    )
    for kind, index, chosen in _all(plan):
        for problem in chosen.options.problems(setting):
            path = (SECTIONS[kind], *(() if index is None else (index,)), problem.option)
            yield RecipeProblem(
                loaded.node(*path).place,
                f"{kind.singular} {chosen.key!r}: {problem.message}",
                problem.hint,
                problem.warning,
            )


def _warmup(plan: Plan, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    wanted = round(plan.recipe.optim.warmup_epochs * plan.counts.steps_per_epoch)
    if wanted > plan.counts.steps:
        yield RecipeProblem(
            loaded.node("optim", "warmup_epochs").place,
            f"the warm-up of {wanted} steps is longer than the run; shortened to its {plan.counts.steps} steps",
            warning=True,
        )


def _all(plan: Plan) -> Iterator[tuple[Kind, int | None, Chosen]]:
    for kind, items in plan.chosen.items():
        single = kind in (Kind.DATASETS, Kind.METHODS, Kind.VIEWS)
        for index, chosen in enumerate(items):
            yield kind, None if single else index, chosen


def _place(loaded: LoadedRecipe, kind: Kind, index: int | None) -> Place:
    return loaded.node(SECTIONS[kind], *(() if index is None else (index,))).place
