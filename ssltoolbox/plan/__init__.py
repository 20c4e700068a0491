"""Resolves recipes to plans: finds plugins, parses options, derives numbers, checks everything. Without torch."""

from ssltoolbox.plan.notices import notices_of
from ssltoolbox.plan.plan import Chosen, Plan
from ssltoolbox.plan.resolve import load_plan, load_recipe, plan_of, with_facts
from ssltoolbox.plan.schedule import Counts, LearningRate
from ssltoolbox.plan.schema import recipe_schema
from ssltoolbox.plan.single import choose_one, choose_typed, find_datasets

__all__ = [
    "Chosen",
    "Counts",
    "LearningRate",
    "Plan",
    "choose_one",
    "choose_typed",
    "find_datasets",
    "load_plan",
    "load_recipe",
    "notices_of",
    "plan_of",
    "recipe_schema",
    "with_facts",
]
