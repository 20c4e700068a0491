"""The JSON Schema of recipes, with the options of the plugins that are installed."""

from __future__ import annotations

from typing import Any

from ssltoolbox.api import KINDS, EvaluatorOptions, Kind, NamedDataset
from ssltoolbox.recipe import SECTION_MODELS, Recipe
from ssltoolbox.registry import Provided, Registry, discover


def recipe_schema(registry: Registry | None = None) -> dict[str, Any]:
    """A schema that lets an editor complete and check a recipe.

    `required` is left to `ssltoolbox check`, which sees what a recipe inherits.
    """
    registry = registry or discover()
    schema = Recipe.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "ssltoolbox recipe"
    schema["required"] = ["recipe"]
    schema["properties"]["extends"] = {"type": "string", "description": "A recipe to inherit from."}
    for definition in schema["$defs"].values():
        definition.pop("required", None)
    for section in ("backbone", "optim"):
        schema["properties"][section] = {"anyOf": [{"type": "string"}, schema["properties"][section]]}
    for kind in KINDS.values():
        if kind.section:
            _describe(kind, [item for item in registry.all() if item.kind == kind], schema)
    return schema


def _describe(kind: Kind, items: list[Provided], schema: dict[str, Any]) -> None:
    """Adds the components of a kind to the schema of the recipe.

    Members of families are left out: they change with the library that has them.
    """
    definitions = schema["$defs"]
    alone = [item for item in items if item.descriptor.names is None]
    components = [_component_schema(item, definitions) for item in alone]
    names = {"enum": [item.descriptor.name for item in alone]}
    if kind.nested:
        section = definitions[SECTION_MODELS[kind.path[0]].__name__]
        section["properties"]["name"]["examples"] = names["enum"]
        section["allOf"] = [_only_if_named(component) for component in components]
        return
    one = {"anyOf": [names, *components]}
    shape = {"type": "array", "items": one} if kind.many else one
    *outer, key = kind.path
    section = definitions[SECTION_MODELS[outer[0]].__name__] if outer else schema
    section["properties"][key] = {"description": kind.about} | shape


def _only_if_named(component: dict[str, Any]) -> dict[str, Any]:
    """The schema of a section that names this component."""
    name = component["properties"].pop("name")
    is_named = {"properties": {"name": {"const": name["const"]}}, "required": ["name"]}
    return {"if": is_named, "then": {"properties": {"options": {**component, "required": []}}}}


def _component_schema(item: Provided, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a component; its definitions are added to the recipe's."""
    prefix = f"{item.kind}.{item.descriptor.name}."
    options = item.descriptor.options.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}")
    definitions |= {prefix + name: definition for name, definition in options.get("$defs", {}).items()}
    if prefix + NamedDataset.__name__ in definitions:
        definitions[prefix + NamedDataset.__name__] = {"$ref": "#/properties/data"}
    name = {"const": item.descriptor.name, "description": item.descriptor.summary}
    properties = {"name": name, **options.get("properties", {})}
    if issubclass(item.descriptor.options, EvaluatorOptions):
        properties["data"] |= {"anyOf": [{"$ref": "#/properties/data"}, {"type": "null"}]}
    return {
        "type": "object",
        "description": item.descriptor.summary,
        "properties": properties,
        "required": ["name"],
        "additionalProperties": options["additionalProperties"],
    }
