"""Tables of a plan and of its measured cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, get_args

from rich.console import RenderableType

from ssltoolbox.api import KINDS, DataFacts, Kind, Options
from ssltoolbox.cli.named_texts import titled
from ssltoolbox.plan import Chosen, LearningRate, Plan
from ssltoolbox.recipe import Optim, value_text
from ssltoolbox.support.words import agreeing, bytes_text, counted, duration_text

if TYPE_CHECKING:
    from ssltoolbox.engine.training.measure import StepCost

BYTES_OF_FP32 = 4
MOST_CLASSES = 30
"""The most classes of a label that are counted one by one."""


def plan_table(plan: Plan) -> RenderableType:
    """The plan as a table, without importing torch."""
    return titled(plan.recipe.name, _plan_rows(plan))


def cost_table(cost: StepCost, steps: int) -> RenderableType:
    """The measured cost, and the estimated time of a run of `steps` steps."""
    return titled(f"measured here, on {cost.device}", _cost_rows(cost, steps))


def _plan_rows(plan: Plan) -> Iterator[tuple[str, str]]:
    recipe, counts = plan.recipe, plan.counts
    yield "data", f"{_with_options(plan.data)}{_facts(plan)}"
    yield "backbone", _backbone(plan)
    yield "method", _with_options(plan.method)
    for kind in (kind for kind in KINDS.values() if kind.strategy):
        for chosen in plan.of(kind):
            yield kind.singular, _with_options(chosen)
    yield "views", _with_options(plan.views)
    if plan.trains:
        yield "a step", _step(plan)
        yield "memory", _memory(plan)
        if counts.steps:
            yield "the run", _run(plan)
    if plan.trains and plan.schedule and recipe.optim:
        yield "learning rate", _learning_rate(recipe.optim, plan.schedule)
    if recipe.evaluate:
        yield "evaluation", "\n".join(map(_with_options, plan.of(Kind.EVALUATORS)))


def _backbone(plan: Plan) -> str:
    backbone = plan.recipe.backbone
    facts = [backbone.name, backbone.weights or "random weights", f"images of {plan.image_size} pixels"]
    if backbone.stem != "standard":
        facts.append(f"stem {backbone.stem}")
    if backbone.layers:
        facts.append(f"features of {' and '.join(backbone.layers)}")
    options = (f"{name}={value_text(value)}" for name, value in backbone.options.items())
    return "\n".join([", ".join(facts), *([" ".join(options)] if backbone.options else [])])


def _with_options(chosen: Chosen) -> str:
    options = chosen.options
    unused = _of_other_choices(options)
    values = options.model_dump(mode="json", by_alias=True, exclude=unused)
    return " ".join([chosen.key, *(f"{name}={value_text(value)}" for name, value in values.items())])


def _of_other_choices(options: Options) -> set[str]:
    """Options with the settings of a choice that was not made, such as those of the loss `rince` with `info_nce`.

    Such an option has the name of the choice.
    """
    return {
        name
        for name in type(options).model_fields
        for choice, field in type(options).model_fields.items()
        if isinstance(getattr(options, name), Options)
        and name in get_args(field.annotation)
        and getattr(options, choice) != name
    }


def _facts(plan: Plan) -> str:
    facts = plan.facts
    if facts is None:
        return ""
    lengths = f"{facts.shortest}" + (f" to {facts.longest}" if facts.longest > facts.shortest else "")
    counted_labels = [_label(name, facts) for name in sorted(facts.label_facts)]
    extras = ["landmarks"] * facts.landmarks + sorted(facts.labels - facts.label_facts.keys())
    clips = f"{counted(facts.clips, 'clip')} of {counted(facts.identities, 'identity')}"
    each = f"{lengths} {agreeing(facts.longest, 'frame', 'frames')} each"
    frames = f"{each} at {facts.fps:.3g} per second, {facts.frames} in all"
    text = f"\n{clips}, {frames}" + (f"; with {', '.join(extras)}" if extras else "")
    return "\n".join([text, *counted_labels])


def _label(name: str, facts: DataFacts) -> str:
    """How many frames have a label: each class, or the range of a number."""
    known, classes = facts.label_facts[name], facts.classes.get(name, ())
    text = f"{name} of {counted(known.frames, 'frame')}"
    if known.lowest is not None:
        return f"{text}, {known.lowest:.3g} to {known.highest:.3g}"
    if len(known.counts) != len(classes) or not classes:
        return text
    if len(classes) > MOST_CLASSES:
        return f"{text}, {len(classes)} classes of {min(known.counts):,} to {max(known.counts):,} frames"
    return (
        f"{text}: {', '.join(f'{each} {count:,}' for each, count in zip(classes, known.counts, strict=True))}"
    )


def _step(plan: Plan) -> str:
    counts, micro_batches = plan.counts, plan.recipe.trainer.accumulate
    hard = counts.hard_negatives
    drawn = counted(counts.draws, "clip") + (f", {counted(hard, 'hard negative')} each" if hard else "")
    text = f"{drawn}: {counted(counts.instances, 'instance')}, {counted(counts.images, 'image')}"
    return text + (f", in {micro_batches} micro-batches" if micro_batches > 1 else "")


def _memory(plan: Plan) -> str:
    """Facts of the backbone that are known without making it."""
    images = plan.counts.images // plan.recipe.trainer.accumulate
    views = f"views {bytes_text(images * 3 * plan.image_size**2 * BYTES_OF_FP32)} in fp32"
    frames = f"frames {bytes_text(images * 3 * plan.facts.size**2)}, " if plan.facts else ""
    batch = "a micro-batch" if plan.recipe.trainer.accumulate > 1 else "a batch"
    return f"{frames}{views} for {batch}; --measure tells what the network takes"


def _run(plan: Plan) -> str:
    counts = plan.counts
    steps = counted(counts.steps, "step")
    if not counts.steps_per_epoch:
        return steps
    epochs = agreeing(counts.epochs == 1, "epoch", "epochs")
    return f"{steps}, {counts.steps_per_epoch} an epoch, {counts.epochs:.4g} {epochs}"


def _learning_rate(optim: Optim, schedule: LearningRate) -> str:
    text = f"{optim.name}, {schedule.lr:g}, {schedule.provided.descriptor.name}"
    if schedule.warmup:
        text += f", {counted(schedule.warmup, 'step')} of warm-up"
    if schedule.steps:
        marks = sorted({0, schedule.warmup, schedule.steps // 2, schedule.steps - 1})
        text += "\n" + ", ".join(f"{schedule.lr * schedule.factor(s):.2g} at step {s}" for s in marks)
    return text


def _cost_rows(cost: StepCost, steps: int) -> Iterator[tuple[str, str]]:
    yield (
        "parameters",
        f"backbone {cost.backbone:,}; {cost.learning:,} learn, of {cost.parameters:,} in all",
    )
    share = "" if cost.devices == 1 else f", with 1/{cost.devices} of the batch"
    yield (
        "time",
        f"{duration_text(cost.seconds)} a step, {cost.images / cost.seconds:,.0f} images/s{share}; "
        f"the mean of {cost.steps} steps",
    )
    holder = "this process" if cost.device == "cpu" else "the GPU"
    yield "peak memory", f"{bytes_text(cost.memory)} of {holder}"
    for note in cost.notes:
        yield "note", note
    yield "the run", f"about {duration_text(cost.seconds * steps)} at that pace, evaluation apart"
