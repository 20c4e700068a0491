"""Plugins made for a test: installed ones, as pip would leave them, and files."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

GOOD = '''
from ssltoolbox.api import Descriptor, Options, PositiveGenerator, hookimpl


class MirrorOptions(Options):
    """How often to mirror."""

    p: float = 0.5
    """Probability that the positive is mirrored."""


@hookimpl
def ssltoolbox_positive_generators():
    yield Descriptor(
        name="mirror",
        summary="The positive is mirrored.",
        options=MirrorOptions,
        target=f"{__name__}:Mirror",
        api=1,
    )


class Mirror(PositiveGenerator[MirrorOptions]):
    pass
'''
BAD_HOOK = """
from ssltoolbox.api import hookimpl

@hookimpl
def ssltoolbox_positive_generators():
    yield 1 / 0
"""
NO_IMPORT = "import a_library_that_is_not_there\n"


class FakePlugins:
    """Writes plugins; `folder` is on `sys.path`, and distributions in it are found like installed ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self,
        plugin: str,
        source: str = GOOD,
        *,
        distribution: str = "",
        version: str = "1.0",
        module: str = "",
    ) -> str:
        """A distribution with one entry point and its module, whose name it gives."""
        distribution = distribution or f"dist-{plugin}"
        module = module or f"fake_{plugin}"
        (self.folder / f"{module}.py").write_text(source)
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[ssltoolbox]\n{plugin} = {module}\n")
        importlib.invalidate_caches()
        return module

    def file(self, name: str, source: str = GOOD) -> Path:
        """A file with a plugin in it, not installed."""
        path = self.folder / name
        path.write_text(source)
        return path


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePlugins]:
    """Fake plugins, forgotten after the test."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delenv("SSLTOOLBOX_DISABLE", raising=False)
    yield FakePlugins(folder)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(folder)):
            del sys.modules[name]
