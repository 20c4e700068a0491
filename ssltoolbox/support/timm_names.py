"""The names of timm's networks and optimisers, read from its source: importing timm would import torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_MODEL = re.compile(r"^@register_model\n(?:@.*\n)*def (\w+)\(", re.MULTILINE)
_OLD_MODELS = re.compile(r"register_model_deprecations\(__name__, \{(.*?)\}\)", re.DOTALL)
_OLD_MODEL = re.compile(r"['\"](\w+)['\"]\s*:")
_TAGGED = re.compile(r"^\s*['\"](\w+)\.(\w+)['\"]\s*:", re.MULTILINE)
_OPTIMISER = re.compile(r"OptimInfo\(\s*(?:name=)?'([^']+)'")


@cache
def timm_networks() -> frozenset[str]:
    """Such as `resnet50`, older names that timm still takes among them; without tags of weights."""
    old = (name for table in _found(_OLD_MODELS, "models") for name in _OLD_MODEL.findall(table))
    return frozenset([*_found(_MODEL, "models"), *old])


@cache
def timm_tags() -> Mapping[str, frozenset[str]]:
    """Network → the tags of its weights, `a1_in1k` of `resnet50`. A few networks, whose tags timm computes, are
    missing."""
    tags: dict[str, set[str]] = {}
    for network, tag in _found(_TAGGED, "models"):
        tags.setdefault(network, set()).add(tag)
    return {network: frozenset(known) for network, known in tags.items()}


@cache
def timm_optimisers() -> frozenset[str]:
    """Such as `lamb`."""
    return frozenset(_found(_OPTIMISER, "optim"))


def _found(pattern: re.Pattern[str], package: str) -> list[Any]:
    return [match for source in _sources(package) for match in pattern.findall(source)]


@cache
def _sources(package: str) -> list[str]:
    """The texts of the modules of a package in timm; none where timm is not installed."""
    spec = find_spec("timm")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    files = [file for folder in folders for file in sorted(Path(folder, package).glob("*.py"))]
    return [file.read_text(encoding="utf-8") for file in files]
