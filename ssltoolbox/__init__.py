"""Self-supervised learning from face video: strategies as plugins, experiments as YAML recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ssltoolbox.engine.entry import load_backbone as load_backbone
    from ssltoolbox.engine.entry import load_head as load_head
    from ssltoolbox.engine.entry import load_method as load_method
    from ssltoolbox.engine.entry import train as train
    from ssltoolbox.plan import load_recipe as load_recipe

    __version__: str

_HOMES = {
    "load_backbone": "ssltoolbox.engine.entry",
    "load_head": "ssltoolbox.engine.entry",
    "load_method": "ssltoolbox.engine.entry",
    "load_recipe": "ssltoolbox.plan",
    "train": "ssltoolbox.engine.entry",
}
__all__ = ["__version__", "load_backbone", "load_head", "load_method", "load_recipe", "train"]


def __getattr__(name: str) -> Any:
    """Imports a function when it is first used, and looks up the version: `import ssltoolbox` costs nothing."""
    if name == "__version__":
        from importlib.metadata import version

        return version("ssltoolbox")
    if name in _HOMES:
        from importlib import import_module

        from ssltoolbox.support.allocator import reuse_freed_memory
        from ssltoolbox.support.garbage import collector_paused
        from ssltoolbox.support.threads import sleep_while_waiting

        sleep_while_waiting()
        reuse_freed_memory()
        with collector_paused():
            return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
