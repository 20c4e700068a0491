"""Plugins and their components as plain data, for `--json`."""

from __future__ import annotations

from typing import Any

from ssltoolbox.registry import Origin, Provided, Registry


def registry_facts(registry: Registry) -> dict[str, Any]:
    """Everything: components, broken plugins, disabled ones."""
    return {
        "components": [component_facts(registry, item) for item in registry.all()],
        "broken": [{**vars(plugin.origin), "reason": plugin.reason} for plugin in registry.broken],
        "disabled": [vars(origin) for origin in registry.disabled],
    }


def component_facts(registry: Registry, item: Provided, with_options: bool = False) -> dict[str, Any]:
    """A component; its options as JSON Schema."""
    card = item.descriptor
    facts: dict[str, Any] = {
        "name": card.name,
        "kind": item.kind.name,
        "state": "provided twice" if registry.rivals(item) else "ok",
        "summary": card.summary,
        "target": card.target,
        "needs": sorted(card.needs),
        "notice": card.notice,
        **vars(item.origin),
    }
    return facts | ({"options": card.options.model_json_schema()} if with_options else {})


def plugin_facts(registry: Registry, origin: Origin) -> dict[str, Any]:
    """A plugin: its state, and what it provides."""
    facts: dict[str, Any] = {**vars(origin), "state": registry.state(origin)}
    if plugin := registry.broken_plugin(origin):
        facts["reason"] = plugin.reason
    return facts | {"provides": [component_facts(registry, item) for item in registry.provided_by(origin)]}
