"""The example of a recipe that `plugins show` prints."""

from __future__ import annotations

import pytest
import yaml

from ssltoolbox.cli.plugin_pages import recipe_example
from ssltoolbox.registry import Provided, discover

SHOWN = [item for item in discover().all() if item.kind.section and not item.descriptor.names]


@pytest.mark.parametrize("item", SHOWN, ids=lambda item: f"{item.kind}-{item.descriptor.name}")
def test_the_example_has_options_that_the_component_accepts(item: Provided) -> None:
    component = yaml.safe_load(recipe_example(item))
    for key in item.kind.path:
        component = component[key]
    if item.kind.many:
        (component,) = component
    assert component.pop("name") == item.descriptor.name
    options = component.pop("options", {}) if item.kind.nested else component
    left_open = [name for name, value in options.items() if value == "…"]
    assert all(item.descriptor.options.model_fields[name].is_required() for name in left_open)
    if not left_open:
        item.descriptor.options(**options)
    assert not item.kind.nested or not component
