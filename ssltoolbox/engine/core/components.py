"""The components of a run, made from its plan. Plugins' targets are called only here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import torch
import yaml
from torch import nn

from ssltoolbox.api import (
    AuxiliaryLossOptions,
    Callback,
    DataFacts,
    Dataset,
    Evaluator,
    EvaluatorOptions,
    Kind,
    Method,
    MethodContext,
    NegativeMasker,
    NegativeSamplerOptions,
    NetworkEvaluator,
    Options,
    PositiveGenerator,
    RunSetting,
    Split,
    UserError,
    View,
)
from ssltoolbox.data.drawing.batches import DrawnBatches
from ssltoolbox.data.drawing.draws import Drawer, Strategies
from ssltoolbox.engine.core.api1 import adapted
from ssltoolbox.engine.core.auxiliary import AuxiliaryLosses, Weighted
from ssltoolbox.engine.core.backbone import encoder_of, make_backbone
from ssltoolbox.engine.core.blame import Blame
from ssltoolbox.engine.core.chunks import in_chunks
from ssltoolbox.engine.core.maskers import MaskerUnion
from ssltoolbox.engine.core.recomputed import with_checkpointing
from ssltoolbox.engine.core.stages import Stages
from ssltoolbox.models import feature_dim
from ssltoolbox.plan import Chosen, Plan
from ssltoolbox.recipe import dump

USED_BY_TASKS = (Kind.DATASETS, Kind.BACKBONES, Kind.VIEWS, Kind.EVALUATORS)
"""Kinds of components whose code runs while a network is evaluated."""


class Splits(Mapping[Split, Dataset]):
    """The splits of a dataset, each made at first use."""

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

    def are_of(self, data: Chosen) -> bool:
        """True for the same dataset with the same options."""
        return (self.data.provided, self.data.options) == (data.provided, data.options)


@dataclass(frozen=True, eq=False)
class Task:
    """A downstream task and its data.

    Attributes:
        evaluator: the component.
        folds: the splits of the task's own data, or else of the recipe's; one item, or an item for each fold if
            all folds are measured. Tasks on the same data share one object.
        own_data: name of the task's own data; empty if it uses the recipe's.
        max_frames: the most frames that the task uses of a split; all frames of a split that is missing here.
        classes: label → names of its classes, if the data has them.
    """

    evaluator: Evaluator | NetworkEvaluator
    folds: Sequence[Mapping[Split, Dataset]]
    own_data: str = ""
    max_frames: Mapping[Split, int] = field(default_factory=dict)
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Components:
    """The components of a run, each made at first use."""

    plan: Plan

    def import_all(self) -> None:
        """Imports the code of every component, so that a broken one fails before anything is written.

        Raises:
            PluginError: naming the component.
        """
        for chosen in self._named(self.plan.chosen):
            chosen.provided.load()

    @cached_property
    def blame(self) -> Blame:
        """Names the component whose code raised an exception."""
        return _blame(self._named(self.plan.chosen))

    @cached_property
    def blame_of_tasks(self) -> Blame:
        """The same for an evaluation. It does not import what only a training uses."""
        return _blame(self._named(USED_BY_TASKS))

    def _named(self, kinds: Iterable[Kind]) -> list[Chosen]:
        """The components of these kinds that the recipe names, and those in their options."""
        chosen = [item for kind in kinds for item in self.plan.of(kind)]
        return chosen + [inner for item in chosen for inner in item.inner]

    @cached_property
    def splits(self) -> Splits:
        """The splits of the recipe's data."""
        return Splits(self.plan.data)

    @cached_property
    def view(self) -> View:
        """The augmentations."""
        view: View = _make(self.plan.views)
        return view

    @cached_property
    def generators(self) -> tuple[PositiveGenerator[Options], ...]:
        """The positive generators, in the recipe's order."""
        return tuple(_make(chosen) for chosen in self.plan.of(Kind.POSITIVE_GENERATORS))

    def callbacks(self, folder: Path) -> list[Callback]:
        """The callbacks that the recipe names.

        Args:
            folder: of the run.
        """
        plan = self.plan
        setting = RunSetting(plan.recipe.name, folder, plan.counts.steps, yaml.safe_load(dump(plan.recipe)))
        return [_make(chosen, setting) for chosen in plan.of(Kind.CALLBACKS)]

    @cached_property
    def maskers(self) -> MaskerUnion:
        """The negative maskers as one."""
        chosen = self.plan.of(Kind.NEGATIVE_MASKERS)
        maskers: dict[str, NegativeMasker[Options]] = {item.key: _make(item) for item in chosen}
        return MaskerUnion(maskers)

    def auxiliary_losses(self, context: MethodContext) -> AuxiliaryLosses:
        """The auxiliary losses; their random weights come from torch's global generator."""
        chosen = self.plan.of(Kind.AUXILIARY_LOSSES)
        weights = [item.options.weight for item in chosen if isinstance(item.options, AuxiliaryLossOptions)]
        losses = {
            item.key: Weighted(_make(item, context), weight)
            for item, weight in zip(chosen, weights, strict=True)
        }
        return AuxiliaryLosses(losses)

    @cached_property
    def stages(self) -> Stages:
        """The stages that turn a batch into the inputs of the method."""
        return Stages(
            self.view,
            self.generators,
            self.maskers,
            self.hard_weights,
            self.plan.recipe.seed,
            self.plan.method_descriptor.inputs,
            self.plan.crops,
        )

    @property
    def hard_weights(self) -> tuple[float, ...]:
        """[K] The weight of each hard negative of a draw in the loss; empty where all weights are 1."""
        options = [chosen.options for chosen in self.plan.of(Kind.NEGATIVE_SAMPLERS)]
        samplers = [each for each in options if isinstance(each, NegativeSamplerOptions)]
        weights = tuple(sampler.weight for sampler in samplers for _ in range(sampler.count))
        return weights if any(weight != 1 for weight in weights) else ()

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """The downstream tasks by key, in the recipe's order."""
        known = [self.splits]
        tasks: dict[str, Task] = {}
        for chosen in self.plan.of(Kind.EVALUATORS):
            data, facts, own_data = self.plan.data, self.plan.facts, ""
            if chosen.own_data:
                data, facts = chosen.own_data.chosen, chosen.own_data.facts
                own_data = data.descriptor.name
            folds = []
            for each in data.per_fold():
                splits = next((splits for splits in known if splits.are_of(each)), Splits(each))
                known.append(splits)
                folds.append(splits)
            classes = facts.classes if facts else {}
            max_frames = _max_frames(chosen.options, facts)
            tasks[chosen.key] = Task(_make(chosen), folds, own_data, max_frames, classes)
        return tasks

    @cached_property
    def batches(self) -> DrawnBatches:
        """The dataset of the loader, whose items are batches."""
        generators = zip(self.plan.of(Kind.POSITIVE_GENERATORS), self.generators, strict=True)
        samplers = [(chosen.key, _make(chosen)) for chosen in self.plan.of(Kind.NEGATIVE_SAMPLERS)]
        strategies = Strategies([(chosen.key, generator) for chosen, generator in generators], samplers)
        train = self.splits["train"]
        pairs = self.plan.method_descriptor.pairs
        drawer = Drawer(train, strategies, self.plan.recipe.seed, self.plan.counts.draws, pairs)
        return DrawnBatches(train, drawer)

    def backbone(self, weights: Path | str | None = None, allow_partial: bool = False) -> nn.Module:
        """A new backbone; its random weights come from the recipe's seed.

        Args:
            weights: None for random ones, "imagenet" for those that it comes with, or a file.
            allow_partial: whether a file may lack a part of the network.

        Raises:
            UserError: where the network can't be made, or not with these weights.
        """
        torch.manual_seed(self.plan.recipe.seed)
        return make_backbone(self.plan, weights, allow_partial)

    def initial_backbone(self) -> nn.Module:
        """A new backbone as the recipe describes it, with the weights that it names."""
        recipe = self.plan.recipe.backbone
        return self.backbone(recipe.weights, recipe.allow_partial)

    def encoder(self, weights: Path | None = None) -> nn.Module:
        """The backbone as evaluation and every use of the network see it: with the features of `backbone.layers`.

        Raises:
            UserError: as for `backbone`, and for layers that the network does not have.
        """
        return encoder_of(self.backbone(weights), self.plan)

    def initial_encoder(self) -> nn.Module:
        """The encoder with the weights that the recipe names."""
        return encoder_of(self.initial_backbone(), self.plan)

    def try_backbone(self) -> None:
        """Makes the backbone and passes it an image and a local crop: mistakes fail before anything is written.

        Raises:
            UserError: where the network can't be made, or not with these weights, or can't take the images.
        """
        backbone, crop_size = self._trained_backbone(), self.plan.crop_size
        dim = feature_dim(backbone, self.plan.image_size)
        encoder_of(backbone, self.plan)
        if crop_size and (of_crops := feature_dim(backbone, crop_size, "views.crop_size")) != dim:
            raise UserError(
                f"the backbone has {dim} features of an image and {of_crops} of a local crop",
                "choose a backbone that pools its features, or write views.crops: 0",
            )

    def learners(self, distributed: bool) -> tuple[Method, AuxiliaryLosses]:
        """The method around a new backbone and the auxiliary losses, all random weights from the recipe's seed.

        The backbone, and copies that the method makes of it, save memory as `trainer` says.
        """
        context = self._context(self._trained_backbone(), distributed, self._descriptor_dim())
        method: Method = _make(self.plan.method, context)
        return method, self.auxiliary_losses(context)

    def untrained_method(self, describe: bool) -> nn.Module:
        """The method for weights that are to be loaded, with random ones.

        Args:
            describe: False where there is no data that the maskers could describe.
        """
        context = self._context(self.backbone(), False, self._descriptor_dim() if describe else 0)
        method: nn.Module = _make(self.plan.method, context)
        return method

    def _trained_backbone(self) -> nn.Module:
        """The initial backbone with the trainer's means to save memory.

        Raises:
            UserError: for a backbone without gradient checkpointing.
        """
        backbone, trainer = self.initial_backbone(), self.plan.recipe.trainer
        if trainer.grad_checkpointing:
            backbone = with_checkpointing(backbone)
        return in_chunks(backbone, trainer.chunk_size) if trainer.chunk_size else backbone

    def _context(self, backbone: nn.Module, distributed: bool, descriptor_dim: int) -> MethodContext:
        return MethodContext(
            backbone=backbone,
            feature_dim=feature_dim(backbone, self.plan.image_size),
            descriptor_dim=descriptor_dim,
            maskers=self.maskers,
            instances=self.plan.counts.compared,
            steps=self.plan.counts.steps,
            distributed=distributed,
            backbone_name=self.plan.recipe.backbone.name,
            new_backbone=self.backbone,
            image_size=self.plan.image_size,
            crop_size=self.plan.crop_size,
            crops=self.plan.crops,
            steps_per_epoch=self.plan.counts.steps_per_epoch,
            data=self.plan.facts,
        )

    def method(self, distributed: bool) -> Method:
        """The method alone."""
        return self.learners(distributed)[0]

    def _descriptor_dim(self) -> int:
        """F, found by describing one draw."""
        if not self.maskers:
            return 0
        described = self.maskers.describe(self.batches.__getitems__([(0, 0)]))
        return sum(values.shape[2] for values in described.values())


def _blame(named: Iterable[Chosen]) -> Blame:
    targets = [(item.provided.load(), f"{item.title} ({item.provided.origin})") for item in named]
    return Blame({target: title for target, title in targets if isinstance(target, type)})


def _max_frames(options: Options, facts: DataFacts | None) -> Mapping[Split, int]:
    """The most frames that a task takes of each split: by its options, else as the data proposes."""
    if isinstance(options, EvaluatorOptions) and options.max_frames is not None:
        return options.max_frames
    return facts.max_frames if facts else {}


def _make(chosen: Chosen, *arguments: Any) -> Any:
    made = chosen.provided.load()(chosen.options, *arguments)
    return adapted(made, chosen.provided.kind) if chosen.descriptor.api == 1 else made
