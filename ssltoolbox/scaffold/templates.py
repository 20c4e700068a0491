"""Which built-in plugin is copied for which kind, and where its package lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ssltoolbox.api import Kind

TEMPLATES: Mapping[Kind, str] = {
    Kind.POSITIVE_GENERATORS: "time_aug",
    Kind.NEGATIVE_SAMPLERS: "hard_neg",
    Kind.NEGATIVE_MASKERS: "near_in_time",
    Kind.METHODS: "nnclr",
}
"""The smallest plugin of each kind that has a package of its own."""

_CHECKOUT = Path(__file__).parents[2] / "plugins"
_INSTALLED = Path(__file__).parent / "templates"
"""Where the wheel has them; see hatch_build.py."""


def template_folder(kind: Kind) -> Path:
    """The folder of the plugin that is copied: the checkout's own, or else what the wheel has brought."""
    folders = [root / TEMPLATES[kind] for root in (_CHECKOUT, _INSTALLED)]
    return next(folder for folder in folders if (folder / "pyproject.toml").is_file())
