"""The JSON Schema of recipes."""

from __future__ import annotations

import json
import re
from typing import Any

from helpers.golden import Golden
from helpers.plugins import FakePlugins

from ssltoolbox.api import Kind
from ssltoolbox.plan import recipe_schema
from ssltoolbox.registry import discover

NESTED = '''
from ssltoolbox.api import Descriptor, Options, hookimpl


class Crop(Options):
    side: int = 8
    """In pixels."""


class MirrorOptions(Options):
    crop: Crop = Crop()
    """What is mirrored."""


@hookimpl
def ssltoolbox_positive_generators():
    yield Descriptor(name="mirror", summary="Mirrored.", options=MirrorOptions, target="a:B", api=1)
'''


def methods(schema: dict[str, Any]) -> list[dict[str, Any]]:
    names, *components = list[dict[str, Any]](schema["properties"]["method"]["anyOf"])
    assert names == {"enum": sorted(discover().names(Kind.METHODS))}
    assert {"none", "simclr", "nnclr"} <= set(names["enum"])
    return components


def test_a_component_is_a_name_or_a_mapping_with_its_own_options(golden: Golden) -> None:
    components = {item["properties"]["name"]["const"]: item for item in methods(recipe_schema())}
    simclr = components["simclr"]
    golden(simclr["description"])
    assert simclr["properties"]["temperature"]["default"] == 0.1
    golden(simclr["properties"]["temperature"]["description"])
    assert (simclr["required"], simclr["additionalProperties"]) == (["name"], False)


def test_lists_of_components_are_lists() -> None:
    properties = recipe_schema()["properties"]
    assert [key for key, value in properties.items() if value.get("type") == "array"] == [
        "positives",
        "negatives",
        "maskers",
        "losses",
        "evaluate",
    ]


def test_what_a_recipe_inherits_is_not_required() -> None:
    schema = recipe_schema()
    assert schema["required"] == ["recipe"]
    assert schema["properties"]["extends"]["type"] == "string"
    assert not any("required" in definition for definition in schema["$defs"].values())


def test_every_reference_leads_somewhere(plugins: FakePlugins) -> None:
    plugins.install("mirror", NESTED)
    schema = recipe_schema()
    references = set(re.findall(r'"#/\$defs/([^"]+)"', json.dumps(schema)))
    assert "positive_generators.mirror.Crop" in references
    assert references <= schema["$defs"].keys()


def test_a_network_and_an_optimiser_have_a_short_form() -> None:
    properties = recipe_schema()["properties"]
    for section in ("backbone", "optim"):
        assert properties[section]["anyOf"][0] == {"type": "string"}
