"""Notices for users of a run's network: terms of the data, weights and models that the run used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ssltoolbox.api import DataFacts, Kind
from ssltoolbox.plan.plan import Chosen, Plan
from ssltoolbox.recipe import IMAGENET
from ssltoolbox.registry import PluginError, Registry, discover


def notices_of(plan: Plan) -> tuple[str, ...]:
    """A sentence for each, the data first; each once.

    Raises:
        PluginError: when a component's own `notices` fails.
    """
    return tuple(dict.fromkeys(_notices(plan)))


def _notices(plan: Plan) -> Iterator[str]:
    if plan.trains:
        yield from filter(None, [plan.facts.terms if plan.facts else DataFacts.terms])
    yield from _of_weights(plan)
    for chosen in (each for used in _used(plan) for each in (used, *used.inner)):
        yield from filter(None, [chosen.descriptor.notice])
        with chosen.provided.blamed_for("notices()"):
            yield from list(chosen.options.notices())
    yield from _of_landmarks(plan)


def _used(plan: Plan) -> list[Chosen]:
    """The components that the network depends on: all except tasks."""
    return [chosen for kind, items in plan.chosen.items() if kind is not Kind.EVALUATORS for chosen in items]


def _of_weights(plan: Plan) -> Iterator[str]:
    backbone = plan.recipe.backbone
    state = "Training began with" if plan.trains else "The network has"
    if backbone.weights == IMAGENET:
        library = plan.backbone_descriptor.library
        whose = f"{library}'s " if library else ""
        yield f"{state} {whose}ImageNet weights of {backbone.name}: their licence applies."
    elif backbone.weights:
        yield f"{state} the weights in {Path(backbone.weights).name}: their licence applies."


def _of_landmarks(plan: Plan) -> Iterator[str]:
    """The notice of the detector that found the landmarks."""
    users = [chosen.key for chosen in _used(plan) if "landmarks" in chosen.needs]
    detector = plan.facts.landmark_detector if plan.facts else None
    if not users or detector == "":
        return
    used = f"{' and '.join(users)} used facial landmarks"
    if detector is None:
        yield f"{used}. The terms of the detector that found them apply; the data doesn't say which one it was."
    elif (notice := _notice_of(detector, discover(plan.recipe.plugins.files))) is None:
        yield f"{used} that {detector} found: its terms apply."
    elif notice:
        yield f"{used} that {detector} found. {notice}"


def _notice_of(detector: str, registry: Registry) -> str | None:
    """The notice of a detector; None if it is not installed."""
    try:
        return registry.get(Kind.LANDMARK_DETECTORS, detector).descriptor.notice
    except PluginError:
        return None
