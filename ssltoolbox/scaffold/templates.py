"""Which plugin is copied for which kind, and where its package lies."""

from __future__ import annotations

from pathlib import Path

from ssltoolbox.api import Kind

_CHECKOUT = Path(__file__).parents[2] / "plugins"
_OURS = Path(__file__).parent / "packages"
"""The examples; in a wheel the built-in plugins are beside them, see hatch_build.py."""


def template_folder(kind: Kind) -> Path:
    """The folder of the plugin that is copied."""
    folders = [root / kind.template for root in (_CHECKOUT, _OURS)]
    return next(folder for folder in folders if (folder / "pyproject.toml").is_file())
