"""The data, network and options that the user named for the test of a component."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ssltoolbox.api import DataFacts, Dataset, DatasetOptions, Kind, Split
from ssltoolbox.plan import Chosen, Plan, choose_typed, load_plan
from ssltoolbox.recipe import BackboneSection
from ssltoolbox.registry import Provided

Data = str | Mapping[str, Any]
"""A dataset as a recipe names it: its name, or a mapping with `name` and options."""


@dataclass(frozen=True)
class AuthorData:
    """The author's own data.

    Attributes:
        chosen: the dataset.
    """

    chosen: Chosen

    @cached_property
    def facts(self) -> DataFacts:
        """Facts of its training split."""
        options = self.chosen.options
        assert isinstance(options, DatasetOptions)
        with self.chosen.provided.blamed_for("facts()"):
            return options.facts()

    def split(self, split: Split) -> Dataset:
        """One of its splits."""
        dataset: Dataset = self.chosen.provided.load()(self.chosen.options, split)
        return dataset


@dataclass(frozen=True)
class Surroundings:
    """What the user named.

    Attributes:
        data: the data for tasks and the source of labels; None for made-up data.
        plan: of the recipe.
        backbone: timm's name of the network that methods and tasks get; empty for the recipe's or a tiny one.
    """

    data: AuthorData | None = None
    plan: Plan | None = None
    backbone: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """The plugin files of the recipe."""
        return tuple(self.plan.recipe.plugins.files) if self.plan else ()

    @property
    def network(self) -> BackboneSection | None:
        """The network as a recipe names it; None where none is named."""
        if self.backbone:
            return BackboneSection(name=self.backbone)
        return self.plan.recipe.backbone if self.plan else None

    @property
    def image_size(self) -> int | None:
        """Height and width of the network's images; None without a recipe."""
        return self.plan.image_size if self.plan else None

    def options_of(self, item: Provided) -> dict[str, Any]:
        """The options that the recipe gives a component, or that the named dataset has; none for any other."""
        named = self.plan.of(item.kind) if self.plan else ()
        if self.data and item.kind == Kind.DATASETS:
            named = (self.data.chosen, *named)
        for chosen in named:
            if chosen.descriptor.name == item.descriptor.name:
                return chosen.options.model_dump(mode="json", by_alias=True)
        return {}

    def data_of(self, kind: Kind, name: str) -> AuthorData | None:
        """The data for the test of a component; a task may name its own in the recipe."""
        if self.data or not self.plan:
            return self.data
        for chosen in self.plan.of(kind):
            if chosen.descriptor.name == name and chosen.own_data:
                return AuthorData(chosen.own_data.chosen)
        return AuthorData(self.plan.data)


def surroundings(data: Data | None, recipe: Path | str | None, backbone: str) -> Surroundings:
    """Reads what the user named.

    Raises:
        UserError: where the recipe or the data can't be used.
    """
    plan = None if recipe is None else load_plan(recipe)
    files = plan.recipe.plugins.files if plan else ()
    if data is None:
        return Surroundings(None, plan, backbone)
    text = data if isinstance(data, str) else json.dumps(data, default=str)
    own = AuthorData(choose_typed(Kind.DATASETS, "--data", text, files))
    _ = own.facts  # raises where the data can't be used
    return Surroundings(own, plan, backbone)
