"""Puts into the wheel what a checkout has beside the package; an editable install uses the checkout's."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Surroundings(BuildHookInterface[Any]):
    """Adds the recipes as ssltoolbox/recipes, and plugins/<name> as ssltoolbox/scaffold/packages/<name>.

    The latter for each of `templates` in pyproject.toml: what `ssltoolbox plugins new` copies.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        build_data["force_include"]["recipes"] = "ssltoolbox/recipes"
        for name in self.config["templates"]:
            build_data["force_include"][f"plugins/{name}"] = f"ssltoolbox/scaffold/packages/{name}"
