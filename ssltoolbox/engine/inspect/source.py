"""Turns a run, or weights from elsewhere, into a plan with the method `none`, for commands that inspect a network.

The plan has the network, its weights, the data, the views and the tasks. For weights from elsewhere, a recipe
gives data, views and tasks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ssltoolbox.api import KINDS, Kind, UserError
from ssltoolbox.engine.core.backbone import make_backbone
from ssltoolbox.engine.runs.folder import RunFolder, open_run
from ssltoolbox.models import match_weights
from ssltoolbox.plan import Plan, load_plan
from ssltoolbox.recipe import IMAGENET, BackboneSection, Override, override_of, read
from ssltoolbox.recipe.find import SUFFIXES
from ssltoolbox.recipe.shipped import shipped_recipes
from ssltoolbox.registry import discover

RANDOM = "random"
TIMM = "timm:"
FORMS = f"a run folder, a file of weights, {TIMM}NAME, {IMAGENET} or {RANDOM}"
NO_TASKS = override_of("evaluate", [])
NOTHING_TRAINS = (
    override_of("method", {"name": "none"}),
    *(override_of(kind.section, []) for kind in KINDS.values() if kind.strategy),
)


@dataclass(frozen=True)
class NetworkSource:
    """A network that a user names on the command line.

    Attributes:
        source: one of `FORMS`, as on the command line.
        recipe: gives data, views and tasks; None takes the run's own recipe.
        arch: the network's name, in its standard form; empty takes the recipe's network.
        allow_partial: whether a file may lack part of the network.
    """

    source: str
    recipe: Path | None = None
    arch: str = ""
    allow_partial: bool = False


def open_source(
    network: NetworkSource, overrides: Sequence[str | Override] = (), data_needed: bool = True
) -> Plan:
    """The plan of a recipe with method `none`, whose backbone has the weights.

    Args:
        network: the network.
        overrides: as for `load_plan`; they take precedence.
        data_needed: if False, missing data is no error.

    Raises:
        UserError: where the source is none of `FORMS`, where weights come without a recipe, or where the recipe is
            wrong.
    """
    run = _run_of(Path(network.source))
    if run:
        folder, plan = open_run(run)
        backbone = _settings(plan.recipe.backbone) | {"weights": str(folder.backbone)}
        files = dict.fromkeys([*plan.recipe.plugins.files, *_plugin_files(network.recipe)])
        ours = [override_of("plugins.files", list(files)), *overrides] if files else overrides
        return _load(network.recipe or folder.recipe, plan.recipe.name, backbone, network, ours, data_needed)
    if is_recipe(network.source):
        raise UserError(
            f"{network.source} is a recipe, not a network", f"name {FORMS}, and the recipe by --recipe"
        )
    name, arch, weights = _weights(network)
    if not network.recipe:
        raise UserError(
            f"{network.source} needs a recipe, for its data, views and tasks",
            "add --recipe RECIPE, such as the one that the network was trained with",
        )
    return _load(
        network.recipe, name, {"weights": weights}, replace(network, arch=arch), overrides, data_needed
    )


def is_recipe(source: str) -> bool:
    """True for the name of a recipe file, and for the name of a recipe that comes with the toolbox.

    >>> is_recipe("mine.yaml"), is_recipe("quickstart"), is_recipe("runs/mine")
    (True, True, False)
    """
    return source.endswith(SUFFIXES) or (source in shipped_recipes() and not Path(source).is_dir())


def recipe_of_run(source: str) -> Path | None:
    """The recipe of a run, named by its folder or its backbone; None for anything else."""
    run = _run_of(Path(source))
    return RunFolder(run).recipe if run else None


def check_weights(plan: Plan) -> str:
    """Says which tensors of a plan's file of weights fit its network; empty if the plan names no file.

    Raises:
        UserError: where the file or the network is wrong; see `match_weights`.
    """
    recipe = plan.recipe.backbone
    if recipe.weights in (None, IMAGENET):
        return ""
    path = Path(str(recipe.weights))
    return str(match_weights(_outline(plan), path, recipe.allow_partial, recipe.from_video))


def _outline(plan: Plan) -> nn.Module:
    """The plan's network, on the device "meta" if it can be made there, where it takes no memory."""
    try:
        with torch.device("meta"):
            return make_backbone(plan)
    except UserError:
        return make_backbone(plan)  # some networks read values of their own while they are made


def _run_of(path: Path) -> Path | None:
    """The run folder that a path names, by itself or by its backbone; None for other paths."""
    if path.is_dir():
        return path
    folder = RunFolder(path.parent)
    return path.parent if path.absolute() == folder.backbone and folder.recipe.is_file() else None


def _weights(network: NetworkSource) -> tuple[str, str, str | None]:
    """The plan's name, the network's name (may be empty), and `weights` as in a recipe."""
    source, path = network.source, Path(network.source)
    if source in (RANDOM, IMAGENET):
        return source, network.arch, None if source == RANDOM else IMAGENET
    if path.is_file():
        return path.name, network.arch, str(path.absolute())
    arch = source.removeprefix(TIMM)
    if source.startswith(TIMM) or discover(_plugin_files(network.recipe)).find(arch, Kind.BACKBONES):
        if network.arch:
            raise UserError(f"{source} names a network already", f"leave out --arch {network.arch}")
        return arch, arch, IMAGENET
    raise UserError(f"there is no {source}", f"name {FORMS}")


def _plugin_files(recipe: Path | None) -> tuple[Path, ...]:
    """The plugin files of a recipe, as far as it can be read."""
    loaded = read(recipe)[0] if recipe else None
    plugins = loaded and loaded.sections.get("plugins")
    return tuple(file for file in plugins.files if file.is_file()) if plugins else ()


def _settings(backbone: BackboneSection) -> dict[str, Any]:
    return {"name": backbone.name, "stem": backbone.stem, "options": backbone.options}


def _load(
    recipe: Path,
    name: str,
    backbone: dict[str, Any],
    network: NetworkSource,
    overrides: Sequence[str | Override],
    data_needed: bool,
) -> Plan:
    standard = {"stem": "standard", "options": {}}
    settings = backbone | ({"name": network.arch, **standard} if network.arch else {})
    settings |= {"allow_partial": network.allow_partial}
    ours = [override_of(f"backbone.{key}", value) for key, value in settings.items()]
    called = re.sub(r"[^\w.-]+", "-", name)[:60].strip(".-") or "weights"
    ours = [*NOTHING_TRAINS, override_of("name", called), *ours]
    return load_plan(recipe, [*ours, *overrides], data_needed)
