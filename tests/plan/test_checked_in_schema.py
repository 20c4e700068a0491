"""The schema beside the recipes is the one that the command writes."""

import json
from pathlib import Path

from ssltoolbox.plan import recipe_schema

SCHEMA = Path(__file__).parents[2] / "recipes" / "recipe.schema.json"


def test_the_checked_in_schema_is_up_to_date() -> None:
    """If this fails: ssltoolbox schema > recipes/recipe.schema.json."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == recipe_schema()
