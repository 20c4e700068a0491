"""From a plan to the objects that do the work. Here, and only here, plugins' targets are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import torch
from torch import nn

from ssltoolbox.api import (
    Dataset,
    Evaluator,
    Kind,
    Method,
    MethodContext,
    NegativeMasker,
    NegativeSamplerOptions,
    NetworkEvaluator,
    Options,
    PositiveGenerator,
    Split,
    View,
)
from ssltoolbox.data.drawing.batches import DrawnBatches
from ssltoolbox.data.drawing.draws import Drawer, Strategies
from ssltoolbox.engine.core.stages import Stages
from ssltoolbox.losses import MaskerUnion
from ssltoolbox.models import create_backbone, feature_dim
from ssltoolbox.plan import Chosen, Plan


class Splits(Mapping[Split, Dataset]):
    """The splits of a dataset, each made when it is first asked for."""

    def __init__(self, data: Chosen) -> None:
        self.data = data
        self._made: dict[Split, Dataset] = {}

    def __getitem__(self, split: Split) -> Dataset:
        if split not in self._made:
            self._made[split] = _make(self.data, split)
        return self._made[split]

    def __iter__(self) -> Iterator[Split]:
        return iter(get_args(Split))

    def __len__(self) -> int:
        return len(get_args(Split))


@dataclass(frozen=True)
class Components:
    """The objects of a run, each made when it is first asked for."""

    plan: Plan

    def import_all(self) -> None:
        """Imports every component's code, so that what is broken fails before anything is written.

        Raises:
            PluginError: naming the component.
        """
        for items in self.plan.chosen.values():
            for chosen in items:
                chosen.provided.load()
                if chosen.own_data:
                    chosen.own_data.chosen.provided.load()

    @cached_property
    def splits(self) -> Mapping[Split, Dataset]:
        """All splits of the recipe's data."""
        return Splits(self.plan.data)

    @cached_property
    def own_splits(self) -> dict[str, Splits]:
        """By its name, the splits of a task that names its own data; one object for the same data."""
        found: list[Splits] = []
        by_task: dict[str, Splits] = {}
        for task in self.plan.of(Kind.EVALUATORS):
            if task.own_data:
                splits = Splits(task.own_data.chosen)
                same = next((other for other in found if other.data == splits.data), splits)
                found.append(same)
                by_task[task.key] = same
        return by_task

    @cached_property
    def view(self) -> View:
        """The augmentations."""
        view: View = _make(self.plan.views)
        return view

    @cached_property
    def generators(self) -> tuple[PositiveGenerator[Options], ...]:
        """The positive generators, in the recipe's order."""
        return tuple(_make(chosen) for chosen in self.plan.of(Kind.POSITIVE_GENERATORS))

    @cached_property
    def maskers(self) -> MaskerUnion:
        """The negative maskers as one."""
        maskers: list[NegativeMasker[Options]] = [
            _make(chosen) for chosen in self.plan.of(Kind.NEGATIVE_MASKERS)
        ]
        return MaskerUnion(maskers)

    @cached_property
    def stages(self) -> Stages:
        """What makes the method's input of a batch."""
        return Stages(self.view, self.generators, self.maskers, self.hard_weights, self.plan.recipe.seed)

    @property
    def hard_weights(self) -> tuple[float, ...]:
        """As how many each of the K hard negatives of a draw counts; empty where all count as one."""
        options = [chosen.options for chosen in self.plan.of(Kind.NEGATIVE_SAMPLERS)]
        samplers = [each for each in options if isinstance(each, NegativeSamplerOptions)]
        weights = tuple(sampler.weight for sampler in samplers for _ in range(sampler.count))
        return weights if any(weight != 1 for weight in weights) else ()

    @cached_property
    def evaluators(self) -> dict[str, Evaluator | NetworkEvaluator]:
        """The tasks by name."""
        return {chosen.key: _make(chosen) for chosen in self.plan.of(Kind.EVALUATORS)}

    @cached_property
    def batches(self) -> DrawnBatches:
        """What the loader's workers hold."""
        generators = zip(self.plan.of(Kind.POSITIVE_GENERATORS), self.generators, strict=True)
        samplers = [(chosen.key, _make(chosen)) for chosen in self.plan.of(Kind.NEGATIVE_SAMPLERS)]
        strategies = Strategies([(chosen.key, generator) for chosen, generator in generators], samplers)
        train = self.splits["train"]
        drawer = Drawer(train, strategies, self.plan.recipe.seed, self.plan.counts.draws)
        return DrawnBatches(train, drawer)

    def backbone(self, weights: str | None = None) -> nn.Module:
        """The backbone, its random part drawn from the recipe's seed; `weights` as in a recipe."""
        recipe = self.plan.recipe.backbone
        torch.manual_seed(self.plan.recipe.seed)
        return create_backbone(
            recipe.name,
            weights=weights,
            stem=recipe.stem,
            image_size=self.plan.image_size,
            options=recipe.options,
            allow_partial=recipe.allow_partial,
        )

    def method(self, distributed: bool) -> Method:
        """The method around the backbone, all random weights drawn from the recipe's seed."""
        backbone = self.backbone(self.plan.recipe.backbone.weights)
        context = MethodContext(
            backbone=backbone,
            feature_dim=feature_dim(backbone, self.plan.image_size),
            descriptor_dim=self._descriptor_dim(),
            maskers=self.maskers,
            instances=self.plan.counts.compared,
            steps=self.plan.counts.steps,
            distributed=distributed,
        )
        method: Method = _make(self.plan.method, context)
        return method

    def _descriptor_dim(self) -> int:
        """F, found by describing one draw."""
        if not self.maskers:
            return 0
        return int(self.maskers.describe(self.batches.__getitems__([(0, 0)])).shape[2])


def _make(chosen: Chosen, *arguments: Any) -> Any:
    return chosen.provided.load()(chosen.options, *arguments)
