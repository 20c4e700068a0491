"""Checks across the sections of a recipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from ssltoolbox.api import (
    KINDS,
    BackboneDescriptor,
    CropOptions,
    DataFacts,
    Kind,
    MethodDescriptor,
    NegativeSamplerOptions,
    Setting,
)
from ssltoolbox.api.errors import and_of
from ssltoolbox.plan.needs import need_checks
from ssltoolbox.plan.places import nearest, node_of
from ssltoolbox.plan.plan import Chosen, Plan
from ssltoolbox.plan.schedule import warmup_steps
from ssltoolbox.plan.trainer_checks import norm_instances
from ssltoolbox.recipe import IMAGENET, LoadedRecipe, Located, RecipeProblem
from ssltoolbox.recipe.problems import quoted
from ssltoolbox.support.words import counted

ChosenByKind = Mapping[Kind, tuple[Chosen, ...]]


def component_checks(
    chosen: ChosenByKind, facts: DataFacts | None, loaded: LoadedRecipe
) -> list[RecipeProblem]:
    """Components that can't be combined, independent of the numbers."""
    return [
        *_idle_strategies(chosen, loaded),
        *_idle_weights(chosen, loaded),
        *_unused_crops(chosen, loaded),
        *need_checks(chosen, facts, loaded),
        *_not_pretrained(chosen, loaded),
    ]


def training_checks(chosen: ChosenByKind, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    """What a recipe that trains lacks; a recipe with an unknown method counts as one that trains."""
    if any(not _card(method).trains for method in chosen.get(Kind.METHODS, ())):
        return
    lacking = [section for section in ("optim", "trainer") if _is_unset(loaded.tree, section)]
    if lacking:
        message = f"{and_of(map(quoted, lacking))} {'is' if len(lacking) == 1 else 'are'} missing"
        hint = (
            "a method that trains needs an optimiser with its learning rate, batch_size, and epochs or steps"
        )
        yield RecipeProblem(loaded.tree.best_place, message, hint)
    trainer = loaded.tree.child("trainer")
    if trainer is None or not isinstance(trainer.value, dict):
        return
    if _is_unset(trainer, "batch_size"):
        place = (trainer.child("batch_size") or trainer).best_place
        yield RecipeProblem(place, "'trainer' needs 'batch_size'", "instances in a step, over all devices")
    if _is_unset(trainer, "epochs") and _is_unset(trainer, "steps"):
        yield RecipeProblem(trainer.best_place, "'trainer' needs either 'epochs' or 'steps'")


def _is_unset(node: Located, key: str) -> bool:
    child = node.child(key)
    return child is None or child.value is None


def number_checks(plan: Plan, loaded: LoadedRecipe) -> list[RecipeProblem]:
    """Numbers that don't fit together, and the problems that components report.

    Raises:
        PluginError: when a component's `problems` fails.
    """
    sizes = [*_sizes(plan, loaded)] if plan.trains else []
    # A method checks the batch, which the user still has to change if its size is wrong.
    checked = [chosen for chosen in _all(plan.chosen) if not (sizes and chosen.provided.kind == Kind.METHODS)]
    warmup = [] if sizes or not plan.trains else _warmup(plan, loaded)
    return [*sizes, *_own_checks(plan, checked, loaded), *warmup]


def _idle_strategies(chosen: ChosenByKind, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    """Strategies that the method can't use."""
    for method in chosen.get(Kind.METHODS, ()):
        card = _card(method)
        acting: tuple[str, ...]
        if not card.trains:
            acting, reason, other = (), "doesn't train", "a method that trains"
        elif card.negatives is None and not card.pairs:
            acting, reason, other = ("training",), "compares nothing", "a method that compares pairs"
        elif card.negatives is None:
            acting, reason, other = ("training", "pairs"), "has no negatives", "a method with negatives"
        else:
            return
        useless = [kind for kind in KINDS.values() if kind.strategy and kind.acts_with not in acting]
        for strategy in (item for kind in useless for item in chosen.get(kind, ())):
            yield RecipeProblem(
                nearest(node_of(loaded, strategy), node_of(loaded, method)).place,
                f"{strategy.title} can't act: method {card.name!r} {reason}",
                f"remove it, or choose {other}",
            )


def _idle_weights(chosen: ChosenByKind, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    """Weights of hard negatives that the method does not use."""
    for method in chosen.get(Kind.METHODS, ()):
        card = _card(method)
        if card.weights or card.negatives is None:
            return
        for sampler in chosen.get(Kind.NEGATIVE_SAMPLERS, ()):
            if isinstance(sampler.options, NegativeSamplerOptions) and sampler.options.weight != 1:
                yield RecipeProblem(
                    nearest(node_of(loaded, sampler, "weight"), node_of(loaded, method)).place,
                    f"{sampler.title}: weight can't act: to method {card.name!r} each negative counts as one",
                    "remove it, or choose a method that weighs negatives",
                )


def _unused_crops(chosen: ChosenByKind, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    """Local crops that the method does not use."""
    for view in chosen.get(Kind.VIEWS, ()):
        options = view.options
        for method in chosen.get(Kind.METHODS, ()):
            card = _card(method)
            if (
                isinstance(options, CropOptions)
                and options.crops
                and card.trains
                and "crops" not in card.inputs
            ):
                yield RecipeProblem(
                    nearest(node_of(loaded, view, "crops"), node_of(loaded, method)).place,
                    f"{view.title}: method {card.name!r} does not use local crops",
                    "write crops: 0, or choose a method that uses them",
                )


def _not_pretrained(chosen: ChosenByKind, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    """Pretrained weights that the network does not have."""
    for item in chosen.get(Kind.BACKBONES, ()):
        weights = node_of(loaded, item, "weights")
        assert isinstance(item.descriptor, BackboneDescriptor)
        if weights.value == IMAGENET and not item.descriptor.pretrained:
            hint = "write weights: null, or the path of a file"
            yield RecipeProblem(weights.place, f"{item.title} has no ImageNet weights", hint)


def _sizes(plan: Plan, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    """Checks that the batch can be divided, and that the data can fill it."""
    hard, trainer = plan.counts.hard_negatives, plan.recipe.trainer
    processes = trainer.nodes * (trainer.devices if isinstance(trainer.devices, int) else 1)
    shares = trainer.accumulate * processes
    unit = (1 + hard) * shares
    least = unit if hard else 2 * unit
    clips = plan.facts.clips if plan.facts else sys.maxsize
    most = clips // shares * unit
    batch = trainer.batch_size or 0
    involved = [Kind.NEGATIVE_SAMPLERS, Kind.DATASETS]
    if most < least:
        needed = counted(least // (1 + hard), "clip")
        message = f"a step draws from at least {needed}, the data has {clips}"
        hint = "get more clips" if shares == 1 else "get more clips, or use fewer micro-batches or processes"
    elif batch % unit:
        factors = {
            f"1 + {counted(hard, 'hard negative')}": 1 + hard,
            "micro-batches": trainer.accumulate,
            "processes": processes,
        }
        named = " times ".join(f"{value} ({name})" for name, value in factors.items() if value > 1)
        message = f"a batch of {batch} instances can't be divided by {named}"
        hint = f"write batch_size: {min(max(least, round(batch / unit) * unit), most)}"
        involved.remove(Kind.DATASETS)
    elif batch > most:
        message = f"a step draws from {counted(plan.counts.draws, 'clip')}, the data has {clips}"
        hint = f"write batch_size: {most} or less"
    elif batch < least:
        message = "a micro-batch has one instance; batch norm and negatives need others beside it"
        hint = f"write batch_size: {least} or more"
        involved.remove(Kind.DATASETS)
    else:
        return
    settings = loaded.node("trainer")
    numbers = [settings.child(key) for key in ("batch_size", "accumulate", "devices", "nodes")]
    sections = [loaded.tree.child(kind.section) for kind in involved]
    written = [leaf for node in (*numbers, *sections) if node for leaf in node.leaves()]
    yield RecipeProblem(nearest(*written).place, message, hint)


def _own_checks(plan: Plan, checked: list[Chosen], loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    """The problems that components report."""
    for item in checked:
        setting = Setting(
            data=item.facts_of_data(plan.facts),
            instances=max(1, plan.counts.compared),
            draws=max(1, plan.counts.draws // plan.recipe.trainer.accumulate),
            hard_negatives=plan.counts.hard_negatives,
            backbone=plan.recipe.backbone.name,
            image_size=plan.image_size,
            crop_size=plan.crop_size,
            steps=plan.counts.steps,
            steps_per_epoch=plan.counts.steps_per_epoch,
            temperature=getattr(plan.method.options, "temperature", None),
            norm_instances=norm_instances(plan),
        )
        with item.provided.blamed_for("problems()"):
            problems = list(item.options.problems(setting))
        for problem in problems:
            yield RecipeProblem(
                node_of(loaded, item, problem.option).place,
                f"{item.title}: {problem.message}",
                problem.hint,
                problem.warning,
            )


def _warmup(plan: Plan, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    optim = plan.recipe.optim
    warmup = warmup_steps(optim, plan.counts) if optim else 0
    if optim and warmup > plan.counts.steps:
        option = "warmup_epochs" if optim.warmup_steps is None else "warmup_steps"
        yield RecipeProblem(
            loaded.node("optim", option).place,
            f"the warm-up of {warmup} steps is longer than the run of {plan.counts.steps}: it is shortened",
            warning=True,
        )


def _all(chosen: ChosenByKind) -> list[Chosen]:
    return [item for items in chosen.values() for item in items]


def _card(method: Chosen) -> MethodDescriptor:
    assert isinstance(method.descriptor, MethodDescriptor)
    return method.descriptor
