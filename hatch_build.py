"""Puts the plugins that `ssltoolbox plugins new` copies into the wheel; an editable install has the checkout's."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PluginTemplates(BuildHookInterface[Any]):
    """Adds plugins/<name> as ssltoolbox/scaffold/packages/<name> for each of `templates` in pyproject.toml."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            for name in self.config["templates"]:
                build_data["force_include"][f"plugins/{name}"] = f"ssltoolbox/scaffold/packages/{name}"
