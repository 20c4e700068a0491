"""A plan: a recipe with its components, their parsed options, and derived numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ssltoolbox.api import (
    BackboneDescriptor,
    CropOptions,
    DataFacts,
    DatasetOptions,
    Descriptor,
    Kind,
    MethodDescriptor,
    Need,
    Options,
    ViewOptions,
)
from ssltoolbox.api.needs import complaint_about_need
from ssltoolbox.plan.schedule import Counts, LearningRate
from ssltoolbox.recipe import Recipe, RecipeProblem
from ssltoolbox.registry import Provided


@dataclass(frozen=True)
class OwnData:
    """A downstream task's own data.

    Attributes:
        chosen: the dataset.
        facts: of its training split; None where it is not there.
    """

    chosen: Chosen
    facts: DataFacts | None = None


@dataclass(frozen=True)
class Chosen:
    """A component that the recipe names.

    Attributes:
        key: its name; `name#2` for the second of that name in a list, and so on. Keys its random numbers.
        provided: where it comes from.
        options: as parsed by its own model, defaults filled in.
        index: its position in a section that is a list.
        own_data: of a downstream task that names some.
        wrapped: the datasets that its options name as `NamedDataset`.
    """

    key: str
    provided: Provided
    options: Options
    index: int | None = None
    own_data: OwnData | None = None
    wrapped: tuple[Chosen, ...] = ()

    @property
    def inner(self) -> Iterator[Chosen]:
        """The datasets that it names for itself, and those that these name."""
        own = (self.own_data.chosen,) if self.own_data else ()
        for chosen in (*own, *self.wrapped):
            yield chosen
            yield from chosen.inner

    @property
    def spelled_out(self) -> dict[str, Any]:
        """Its name and all its options as a recipe would have them."""
        return {"name": self.descriptor.name, **self.options.model_dump(mode="json", by_alias=True)}

    def per_fold(self) -> list[Chosen]:
        """The dataset with the options of each fold, where tasks are measured on all folds; else itself alone.

        Raises:
            UserError: when the folds can't be found.
            PluginError: when the plugin's `per_fold` fails.
        """
        assert isinstance(self.options, DatasetOptions)
        with self.provided.blamed_for("per_fold()"):
            return [replace(self, options=options) for options in self.options.per_fold()]

    @property
    def title(self) -> str:
        """Such as "positive generator 'time_aug#2'"."""
        return f"{self.provided.kind.singular} {self.key!r}"

    @property
    def descriptor(self) -> Descriptor:
        """The component's descriptor."""
        return self.provided.descriptor

    @property
    def needs(self) -> frozenset[Need]:
        """Its needs of the data and the network, with these options."""
        return self.descriptor.needs | self.needs_of(self.options)

    def facts_of_data(self, facts: DataFacts | None) -> DataFacts | None:
        """The facts of its own data; without any, those of the recipe's data."""
        return self.own_data.facts if self.own_data else facts

    def needs_of(self, options: Options) -> frozenset[Need]:
        """Needs that come from options.

        Raises:
            PluginError: when the plugin's `also_needs` fails, or gives a need that does not exist.
        """
        with self.provided.blamed_for("also_needs()"):
            needs = frozenset(options.also_needs())
            for complaint in filter(None, map(complaint_about_need, sorted(needs, key=str))):
                raise ValueError(complaint)
        return needs


@dataclass(frozen=True)
class Plan:
    """Everything that is known of a run without importing torch.

    Attributes:
        recipe: with the defaults of every option filled in; it runs again as it is.
        chosen: the components of each kind, in the recipe's order.
        facts: of the data; None where it is not there.
        counts: how much a step and the run see.
        schedule: the learning rate over the steps; None for a recipe without an optimiser, which trains nothing.
        warnings: what a user should know, though the run can go on.
        own_keys: dotted keys of the recipe that its parent doesn't set; see `LoadedRecipe.own_keys`.
    """

    recipe: Recipe
    chosen: Mapping[Kind, tuple[Chosen, ...]]
    facts: DataFacts | None
    counts: Counts
    schedule: LearningRate | None
    warnings: tuple[RecipeProblem, ...] = ()
    own_keys: tuple[str, ...] = ()

    def of(self, kind: Kind) -> tuple[Chosen, ...]:
        """The components of a kind."""
        return self.chosen.get(kind, ())

    @property
    def data(self) -> Chosen:
        """The dataset."""
        return self.of(Kind.DATASETS)[0]

    @property
    def method(self) -> Chosen:
        """The method."""
        return self.of(Kind.METHODS)[0]

    @property
    def method_descriptor(self) -> MethodDescriptor:
        """The method's descriptor."""
        descriptor = self.method.descriptor
        assert isinstance(descriptor, MethodDescriptor)
        return descriptor

    @property
    def backbone(self) -> Chosen:
        """The backbone."""
        return self.of(Kind.BACKBONES)[0]

    @property
    def backbone_descriptor(self) -> BackboneDescriptor:
        """The backbone's descriptor."""
        descriptor = self.backbone.descriptor
        assert isinstance(descriptor, BackboneDescriptor)
        return descriptor

    @property
    def optimiser(self) -> Chosen | None:
        """What changes the weights; None for a recipe that trains nothing and has none."""
        return next(iter(self.of(Kind.OPTIMISERS)), None)

    @property
    def views(self) -> Chosen:
        """The view."""
        return self.of(Kind.VIEWS)[0]

    @property
    def image_size(self) -> int:
        """Height and width of the images that the backbone sees."""
        assert isinstance(self.views.options, ViewOptions)
        return self.views.options.size

    @property
    def crops(self) -> int:
        """Local crops of each instance that the method sees."""
        options = self.views.options
        wanted = self.trains and "crops" in self.method_descriptor.inputs
        return options.crops if wanted and isinstance(options, CropOptions) else 0

    @property
    def crop_size(self) -> int:
        """Height and width of the local crops in pixels; 0 where the method sees none."""
        options = self.views.options
        return options.crop_size if self.crops and isinstance(options, CropOptions) else 0

    @property
    def trains(self) -> bool:
        """False for a recipe that only evaluates a backbone."""
        return self.method_descriptor.trains
