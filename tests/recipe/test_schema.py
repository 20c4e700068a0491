from helpers.golden import Golden
from pydantic import BaseModel

from ssltoolbox.recipe import SECTION_KEYS, BackboneSection, Component, Optim, Plugins, Recipe, Trainer


def test_every_field_is_documented() -> None:
    models: list[type[BaseModel]] = [Recipe, Component, BackboneSection, Optim, Trainer, Plugins]
    undocumented = [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert undocumented == []


def test_the_json_schema_has_components_as_they_are_written(golden: Golden) -> None:
    schema = Recipe.model_json_schema()
    assert schema["additionalProperties"] is False
    method = schema["properties"]["method"]
    assert [choice["type"] for choice in method["anyOf"]] == ["string", "object"]
    assert method["anyOf"][1]["additionalProperties"] is True
    golden(method["description"])


def test_each_section_knows_its_keys() -> None:
    assert SECTION_KEYS["plugins"] == ("files",)
    assert "lr" in SECTION_KEYS["optim"]
    assert {"recipe", "seed", "extends"} <= set(SECTION_KEYS[""])
    assert not any("name" in keys for section, keys in SECTION_KEYS.items() if section)
