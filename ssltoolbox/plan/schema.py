"""The JSON Schema of recipes, with the options of the plugins that are installed."""

from __future__ import annotations

from typing import Any

from ssltoolbox.api import KINDS, EvaluatorOptions
from ssltoolbox.recipe import Recipe
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
        if not kind.section:
            continue
        items = [item for item in registry.all() if item.kind == kind]
        components = [_component_schema(item, schema["$defs"]) for item in items]
        one = {"anyOf": [{"enum": list(registry.names(kind))}, *components]}
        shape = {"type": "array", "items": one} if kind.many else one
        schema["properties"][kind.section] = {"description": kind.about} | shape
    return schema


def _component_schema(item: Provided, definitions: dict[str, Any]) -> dict[str, Any]:
    """A component's own schema; the definitions that it refers to go to those of the recipe."""
    prefix = f"{item.kind}.{item.descriptor.name}."
    options = item.descriptor.options.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}")
    definitions |= {prefix + name: definition for name, definition in options.get("$defs", {}).items()}
    name = {"const": item.descriptor.name, "description": item.descriptor.summary}
    properties = {"name": name, **options.get("properties", {})}
    if issubclass(item.descriptor.options, EvaluatorOptions):
        properties["data"] |= {"anyOf": [{"$ref": "#/properties/data"}, {"type": "null"}]}
    return {
        "type": "object",
        "description": item.descriptor.summary,
        "properties": properties,
        "required": ["name"],
        "additionalProperties": False,
    }
