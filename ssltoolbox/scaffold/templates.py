"""Which plugin is copied for which kind, and where its package lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ssltoolbox.api import Kind

TEMPLATES: Mapping[Kind, str] = {
    Kind.POSITIVE_GENERATORS: "time_aug",
    Kind.NEGATIVE_SAMPLERS: "hard_neg",
    Kind.NEGATIVE_MASKERS: "near_in_time",
    Kind.METHODS: "nnclr",
    Kind.VIEWS: "soft_focus",
    Kind.DATASETS: "breathing_discs",
    Kind.EVALUATORS: "nearest_frame",
    Kind.LANDMARK_DETECTORS: "brightest_spot",
}
"""The smallest built-in plugin of each kind that has a package of its own; an example of the other kinds."""

_CHECKOUT = Path(__file__).parents[2] / "plugins"
_OURS = Path(__file__).parent / "packages"
"""The examples; in a wheel the built-in plugins are beside them, see hatch_build.py."""


def template_folder(kind: Kind) -> Path:
    """The folder of the plugin that is copied."""
    folders = [root / TEMPLATES[kind] for root in (_CHECKOUT, _OURS)]
    return next(folder for folder in folders if (folder / "pyproject.toml").is_file())
