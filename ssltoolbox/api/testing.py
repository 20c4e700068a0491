"""The former place of `ssltoolbox.testing`, kept for one release so that tests of plugins go on working."""

from __future__ import annotations

import importlib
import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    """Looks the name up in `ssltoolbox.testing`, and says where it is now."""
    kit = importlib.import_module("ssltoolbox.testing")
    if name.startswith("__") or not hasattr(kit, name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"import {name} from ssltoolbox.testing; ssltoolbox.api.testing goes with the next release",
        DeprecationWarning,
        stacklevel=2,
    )
    return getattr(kit, name)
